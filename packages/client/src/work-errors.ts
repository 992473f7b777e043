/** Thrown by a handler when another attempt could not succeed either: the request fails for good. */
export class PermanentError extends Error {
  override readonly name: string = 'PermanentError';
}

/** The reason of the handler's signal when the request's owner wants it no more. */
export class CancelRequested extends Error {
  override readonly name: string = 'CancelRequested';

  constructor() {
    super('The request was canceled.');
  }
}

/** The reason of the handler's signal when somebody else may have the request by now: whatever comes of it is dropped. */
export class LeaseLost extends Error {
  override readonly name: string = 'LeaseLost';

  constructor(options?: ErrorOptions) {
    super('The lease of the request is lost.', options);
  }
}
