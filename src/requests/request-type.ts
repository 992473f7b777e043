/** The name of a type of requests. */
export const REQUEST_TYPE = /^[a-z0-9][a-z0-9._-]{0,49}$/;
