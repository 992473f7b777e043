// `npm run links`: every relative link and anchor in our Markdown leads somewhere, and every file of ours that it names is there.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import GithubSlugger from 'github-slugger';
import { marked } from 'marked';

const LEFT_OUT = new Set(['node_modules', 'dist', 'coverage', '.git', '.data']);
/** A file's name in code, as prose refers to it; patterns are none. */
const NAMED = /^(src|test|docs|scripts|migrations|bench|packages|examples|sql)\/[\w./-]+\.\w+$/;
/** Tells of files as they were. */
const HISTORY = new Set(['CHANGELOG.md']);

/** @type {Map<string, { anchors: Set<string>, links: string[], named: string[] }>} */
const pages = new Map(markdownBelow('.').map((path) => [path, read(path)]));
const broken = [...pages].flatMap(([path, { links, named }]) => [
  ...links.flatMap((link) => wrong(path, link)),
  ...(HISTORY.has(path) ? [] : named.filter((file) => !existsSync(file)).map((file) => `${path}: there is no ${file}`)),
]);
for (const line of broken) console.log(line);
console.log(`${pages.size} pages, ${[...pages.values()].reduce((sum, { links }) => sum + links.length, 0)} links, ${broken.length} broken`);
process.exit(broken.length === 0 ? 0 : 1);

/** @returns {string[]} */
function markdownBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return LEFT_OUT.has(entry.name) ? [] : markdownBelow(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

function read(path) {
  const page = { anchors: new Set(), links: /** @type {string[]} */ ([]), named: /** @type {string[]} */ ([]) };
  const slugger = new GithubSlugger();
  void marked.walkTokens(marked.lexer(readFileSync(path, 'utf8')), (token) => {
    if (token.type === 'heading') page.anchors.add(slugger.slug(plain(token)));
    if (token.type === 'link' || token.type === 'image') page.links.push(token.href);
    if (token.type === 'codespan' && NAMED.test(token.text)) page.named.push(token.text);
  });
  return page;
}

/** The text of a heading without its marks. */
function plain(token) {
  return token.tokens === undefined ? token.text : token.tokens.map(plain).join('');
}

/** @returns {string[]} what is wrong with it; nothing is asked of the network */
function wrong(path, link) {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return [];
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? path : normalize(join(dirname(path), decodeURI(file)));
  // A page of the repository's site.
  if (target.startsWith('..')) return [];
  if (!existsSync(target)) return [`${path}: ${link} leads nowhere`];
  if (!anchor || statSync(target).isDirectory()) return [];
  return pages.get(target)?.anchors.has(anchor) ? [] : [`${path}: ${link} has no such heading`];
}
