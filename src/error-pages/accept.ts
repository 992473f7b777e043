/** Whether HTML is asked for by name, as browsers do, and wanted no less than Markdown. */
export function wantsHtml(accept = ''): boolean {
  const html = weightOf('text/html', accept);
  return html > 0 && html >= weightOf('text/markdown', accept);
}

/** The weight (RFC 9110, section 12.4.2) of a media type that is named; 0 for one that is not. */
function weightOf(type: string, accept: string): number {
  for (const range of accept.toLowerCase().split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim());
    if (name !== type) continue;
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    return weight === undefined ? 1 : Number(weight.slice(2)) || 0;
  }
  return 0;
}
