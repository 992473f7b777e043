import { type ParsedMail } from 'mailparser';

/** The token in the link of a mail. */
export function tokenIn({ text }: ParsedMail): string {
  const [, token] = /#token=(\S+)/.exec(text ?? '') ?? [];
  if (token === undefined) throw new Error(`there is no token in ${text}`);
  return token;
}
