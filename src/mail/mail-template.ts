/** A kind of mail, declared in code by whoever sends it; an operator's files may stand in for its texts. */
export interface MailTemplate<Param extends string = string> {
  /** In kebab case; also the name of the operator's files. */
  name: string;
  /** What its texts may name, as `{{name}}`, besides `productName` and `linkBase`. A name that ends in `link` or `Link` is an address. */
  params: readonly Param[];
  subject: string;
  /** Paragraphs with an empty line between them; one that is nothing but a link is a link in HTML too. */
  text: string;
}

/** What every text may name. */
export const COMMON_PARAMS = ['productName', 'linkBase'] as const;

const defined = new Map<string, MailTemplate>();

/** Declares a kind of mail; `<feature>.mails.ts` does so. */
export function defineMail<Param extends string>(template: MailTemplate<Param>): MailTemplate<Param> {
  if (defined.has(template.name)) throw new Error(`The mail ${template.name} is declared twice.`);
  const unknown = unknownParams(template, template.subject + template.text);
  if (unknown.length > 0) throw new Error(`The mail ${template.name} names ${unknown.join(', ')}, which it does not have.`);
  defined.set(template.name, template);
  return template;
}

/** Every kind of mail that a loaded module declares. */
export function definedMails(): ReadonlyMap<string, MailTemplate> {
  return defined;
}

const PLACEHOLDER = /\{\{ *(\w{1,50}) *\}\}/g;

/** What a text names that the mail does not have. */
export function unknownParams({ params }: MailTemplate, text: string): string[] {
  const known = new Set<string>([...COMMON_PARAMS, ...params]);
  return [...text.matchAll(PLACEHOLDER)].map(([, name]) => name as string).filter((name) => !known.has(name));
}

/** The text with the values in place. A value is never looked through for further names. */
export function fillIn(text: string, params: Readonly<Record<string, string>>, escape: (value: string) => string): string {
  return text.replace(PLACEHOLDER, (_, name: string) => escape(params[name] ?? ''));
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** For a header field: one line, of a length that is shown. */
export function asLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 200);
}

/** The HTML of a mail whose text alone is written: its paragraphs, and links where they stand alone. */
export function htmlOf(text: string): string {
  const paragraphs = text.trim().split(/\n{2,}/);
  const body = paragraphs.map((paragraph) => {
    const [, link] = /^\{\{ *(\w*[lL]ink) *\}\}$/.exec(paragraph) ?? [];
    return link === undefined ? `<p>${escapeHtml(paragraph).replaceAll('\n', '<br>\n')}</p>` : `<p><a href="{{${link}}}">{{${link}}}</a></p>`;
  });
  return `<!doctype html>\n<html lang="en">\n<body style="font-family: sans-serif; line-height: 1.5; max-width: 40em">\n${body.join('\n')}\n</body>\n</html>\n`;
}
