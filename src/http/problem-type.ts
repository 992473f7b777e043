const PATH = '/errors/';
let base = PATH;

/** Where the pages of problems stand in this process: an address under which each has the name of its code. */
export function addressProblemsBelow(address: string): void {
  base = address.endsWith('/') ? address : `${address}/`;
}

/** The `type` of a problem that no registry names: the address of its page (RFC 9457, section 3.1.1). Null has none: it reports another one. */
export function problemType(code: string | null): string {
  return code === null ? 'about:blank' : base + code;
}
