import { type ExecutionContext } from '@nestjs/common';

/**
 * What a guard finds out about a route from its decorators, asked for once: to read them takes Reflect half a microsecond each,
 * whether they are there or not, and guards run for every call.
 */
export class OncePerRoute<T> {
  private readonly found = new Map<unknown, { value: T }>();

  constructor(private readonly find: (context: ExecutionContext) => T) {}

  of(context: ExecutionContext): T {
    const handler = context.getHandler();
    let known = this.found.get(handler);
    if (known === undefined) this.found.set(handler, (known = { value: this.find(context) }));
    return known.value;
  }
}
