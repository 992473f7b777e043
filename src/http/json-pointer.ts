const SHOWN_CHARACTERS = 100;

/** A JSON Pointer (RFC 6901) as a URI fragment. A name beyond 100 characters is cut: an answer does not give a body back. */
export function pointerOf(path: readonly (string | number)[]): string {
  return ['#', ...path.map(pointerPart)].join('/');
}

export function pointerPart(name: string | number): string {
  return shown(String(name)).replaceAll('~', '~0').replaceAll('/', '~1');
}

/** The text, as much of it as is shown in an answer. */
export function shown(text: string, characters = SHOWN_CHARACTERS): string {
  return text.length <= characters ? text : `${text.slice(0, characters).toWellFormed()}…`;
}
