import { readFileSync } from 'node:fs';

/** Variables whose value may stand in a file that `<NAME>_FILE` names, as orchestrators mount secrets. */
export const IN_FILES = ['DATABASE_URL', 'DATABASE_DIRECT_URL', 'DATABASE_READ_URL', 'JWT_SECRET', 'SECRETS_KEY', 'SECRETS_KEY_PREVIOUS', 'SMTP_URL'] as const;

/** The values of the files, and what is wrong with them. Never shows what a file holds. */
export function readFileVariables(given: Readonly<Record<string, unknown>>): { values: Record<string, string>; problems: string[] } {
  const values: Record<string, string> = {};
  const problems: string[] = [];
  for (const name of IN_FILES) {
    const path = given[`${name}_FILE`];
    if (typeof path !== 'string') continue;
    if (given[name] !== undefined) {
      problems.push(`${name} and ${name}_FILE are both set: unset one of them`);
      continue;
    }
    try {
      values[name] = contentOf(path);
    } catch (error) {
      problems.push(`${name}_FILE names ${path}, which cannot be read (${(error as NodeJS.ErrnoException).code ?? 'empty'})`);
    }
  }
  return { values, problems };
}

/** What a file with a secret holds, without the line end that editors put there. @throws when it cannot be read or is empty */
export function contentOf(path: string): string {
  const text = readFileSync(path, 'utf8').trim();
  if (text === '') throw new Error('empty');
  return text;
}
