import { Injectable } from '@nestjs/common';
import { Marked } from 'marked';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NotFoundProblem } from '../http/problem';

/** `docs/errors/` of the sources, or its copy in the build. */
const FOLDER = join(__dirname, '../../docs/errors');

/** The pages of problems, read once: what is asked for is a name in a map and never a path. */
@Injectable()
export class ErrorPages {
  private readonly pages = new Map(
    readdirSync(FOLDER)
      .filter((name) => /^[a-z0-9-]+\.md$/.test(name))
      .map((name) => [name.slice(0, -3), readFileSync(join(FOLDER, name), 'utf8')]),
  );
  private readonly rendered = new Map<string, string>();

  /** @throws NotFoundProblem when no problem has that code */
  markdown(code: string): string {
    const page = this.pages.get(code);
    if (page === undefined) throw new NotFoundProblem('error page');
    return page;
  }

  /** @throws NotFoundProblem when no problem has that code */
  html(code: string): string {
    const known = this.rendered.get(code);
    if (known !== undefined) return known;
    const page = documentOf(code, this.markdown(code));
    this.rendered.set(code, page);
    return page;
  }
}

/** Pages name each other as files; where they are served, they have no ending. */
function documentOf(code: string, markdown: string): string {
  const body = new Marked({ async: false }).parse(markdown.replace(/\]\(([a-z0-9-]+)\.md\)/g, ']($1)')) as string;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${code}</title></head>
<body>
${body}</body>
</html>
`;
}
