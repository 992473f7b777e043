/** The embedded server, or null with an external database. */
export const EMBEDDED = Symbol('EMBEDDED');
