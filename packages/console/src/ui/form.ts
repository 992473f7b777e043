/** What was typed into the fields of a form, by their names. */
export function typedInto(form: HTMLFormElement): Partial<Record<string, string>> {
  return Object.fromEntries([...new FormData(form)].flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])));
}
