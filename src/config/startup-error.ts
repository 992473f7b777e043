/** A reason not to start that an operator can act on: its message is the one line they get to see. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}
