/** The URL in force: DATABASE_URL, or the embedded server's. */
export const DATABASE_URL = Symbol('DATABASE_URL');

/** The embedded server, or null with an external database. */
export const EMBEDDED = Symbol('EMBEDDED');
