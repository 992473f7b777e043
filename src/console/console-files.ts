import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** Beside the sources, and from the build. */
const FOLDERS = [join(__dirname, '../../packages/console/dist'), join(__dirname, '../../../packages/console/dist')];
const INDEX = 'index.html';

/** The page for browsers that see it below a path prefix. */
export interface IndexPage {
  html: string;
  etag: string;
}

/** The built console as it was when the process began: what is asked for is a name in a set and never a path. */
export class ConsoleFiles {
  readonly names: ReadonlySet<string>;
  private readonly index: string | null;

  /** @param folder where it is, if not where `npm run console:build` puts it */
  static in(folder: string | undefined): ConsoleFiles {
    const found = (folder === undefined ? FOLDERS : [folder]).find((one) => existsSync(join(one, INDEX)));
    return new ConsoleFiles(found ?? null);
  }

  private constructor(readonly folder: string | null) {
    const entries = folder === null ? [] : readdirSync(folder, { recursive: true, withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name).slice((folder ?? '').length + 1));
    this.names = new Set(names.map((name) => name.split(sep).join('/')).filter((name) => name !== INDEX));
    this.index = folder === null ? null : readFileSync(join(folder, INDEX), 'utf8');
  }

  /** The page with its files and its own place named in full, since it is shown at any depth below /console/; null: nothing is built. */
  page(prefix: string): IndexPage | null {
    if (this.index === null) return null;
    const html = this.index
      .replace(/\b(src|href)="\.\//g, `$1="${prefix}/console/`)
      .replace('<head>', `<head>\n    <meta name="base-path" content="${prefix}" />`);
    return { html, etag: `"${createHash('sha256').update(html).digest('base64url').slice(0, 22)}"` };
  }
}
