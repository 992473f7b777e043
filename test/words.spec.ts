import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import * as ts from 'typescript';

const ROOT = join(__dirname, '..');

/** Parts of a name that were ours alone: docs/glossary.md has the field's. */
const IN_NAMES = /^(words?|say|says|said|saying|tells?|told|telling|hears?|heard|guests?|turns?|sights?|takes?|took|most|least|rulings?|fates?)$/i;
/** In prose `take`, `in turn`, `at most` and `at least` are English. */
const IN_PROSE = /\b(words?|say|says|said|saying|tells?|told|telling|hears?|heard|guests?|sights?|rulings?|fates?)\b/i;
const IN_STRINGS = /(?<!\bin )\bturns?\b|(?<!\bat )\b(most|least)\b(?!\()/i;

/** `take` is TypeORM's; the parameter is on the wire; the path is a password's; the array is zsh's. */
const NAMES_OF_OTHERS = new Set(['quotaUsedAtLeast']);
const STRINGS_OF_OTHERS = new Set(['p@ss/word', 'words']);

interface Found {
  names: Map<string, string>;
  strings: Map<string, string>;
  comments: Map<string, string>;
}

function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
    const file = relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/');
    if (!entry.isFile() || !/\.(ts|mjs)$/.test(file) || /(^|\/)(node_modules|dist)\//.test(file)) continue;
    // This one names what it refuses, and that one is made from the document, which is looked at itself.
    if (file !== 'test/words.spec.ts' && file !== 'packages/client/src/schema.ts') yield file;
  }
}

const partsOf = (name: string) => name.replace(/([a-z0-9])(?=[A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$2 ').split(/[ _$]/);

function look(file: string, { names, strings, comments }: Found): void {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const seen = new Set<number>();
  const place = (position: number) => `${file}:${source.getLineAndCharacterOfPosition(position).line + 1}`;
  const visit = (node: ts.Node): void => {
    for (const { pos, end } of [...(ts.getLeadingCommentRanges(text, node.pos) ?? []), ...(ts.getTrailingCommentRanges(text, node.end) ?? [])]) {
      if (!seen.has(pos)) comments.set(place(pos), text.slice(pos, end));
      seen.add(pos);
    }
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) {
      const isFindOption = node.text === 'take' && ts.isPropertyAssignment(node.parent) && node.parent.name === node;
      if (!isFindOption) names.set(place(node.getStart()), `${names.get(place(node.getStart())) ?? ''} ${node.text}`);
    } else if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      strings.set(place(node.getStart()), `${strings.get(place(node.getStart())) ?? ''}\n${node.text}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

const found: Found = { names: new Map(), strings: new Map(), comments: new Map() };
for (const folder of ['src', 'packages', 'test']) for (const file of filesBelow(folder)) look(file, found);

const broken = (texts: Map<string, string>, breaks: (text: string) => boolean) =>
  [...texts].filter(([, text]) => breaks(text)).map(([place, text]) => `${place}: ${text.trim()}`);

describe('the words of the house', () => {
  it('are read by these rules: names, strings and comments are found', () => {
    for (const texts of Object.values(found) as Map<string, string>[]) expect(texts.size).toBeGreaterThan(500);
    expect(partsOf('refundTTLWord_say')).toEqual(['refund', 'TTL', 'Word', 'say']);
  });

  it('are the field’s in names', () => {
    const isOurs = (name: string) => !NAMES_OF_OTHERS.has(name) && partsOf(name).some((part) => IN_NAMES.test(part));
    expect(broken(found.names, (names) => names.split(' ').some(isOurs))).toEqual([]);
  });

  it('are the field’s in strings', () => {
    const isOurs = (text: string) => !STRINGS_OF_OTHERS.has(text) && (IN_PROSE.test(text) || IN_STRINGS.test(text));
    expect(broken(found.strings, (text) => text.split('\n').some(isOurs))).toEqual([]);
  });

  it('are the field’s in comments', () => {
    expect(broken(found.comments, (text) => IN_PROSE.test(text))).toEqual([]);
  });

  it('are the field’s in the document', () => {
    const document = readFileSync(join(ROOT, 'openapi.json'), 'utf8').split('\n');
    const isOurs = (line: string) => IN_PROSE.test(line) || IN_STRINGS.test(line);
    expect(document.filter(isOurs)).toEqual([]);
  });
});

describe('the glossary', () => {
  const [first, ...sections] = readFileSync(join(ROOT, 'docs/glossary.md'), 'utf8').split('\n## ');
  const rowsIn = (text: string) =>
    text
      .split('\n')
      .filter((line) => /^\| [a-zA-Z]/.test(line))
      .slice(1)
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, term, meaning, names]) => ({ term, meaning, names: [...(names ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name) }));
  const rows = rowsIn(first);
  /** Of any number: each generated feature has one. */
  const ofFeatures = rowsIn(sections.find((section) => section.startsWith('Of features')) ?? '');
  const all = [...rows, ...ofFeatures];
  const sources = ['src', 'packages'].flatMap((folder) => [...filesBelow(folder)]);
  const exported = new Map(
    sources.flatMap((file) =>
      [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^export (?:abstract )?(?:class|interface|type|const) (\w+)/gm)].map(
        ([, name]) => [name, file] as const,
      ),
    ),
  );

  it('has at most 40 terms, each once and with a meaning', () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.length).toBeLessThanOrEqual(40);
    expect(new Set(rows.map(({ term }) => term)).size).toBe(rows.length);
    expect(rows.filter(({ meaning }) => !meaning)).toEqual([]);
  });

  it('names nothing that is not there', () => {
    expect(all.flatMap(({ names }) => names).filter((name) => !exported.has(name))).toEqual([]);
  });

  it('has a term for everything that is stored', () => {
    const entities = [...exported].filter(([, file]) => file.endsWith('.entity.ts')).filter(([name]) => !name.toUpperCase().startsWith(name));
    const classes = entities.filter(([name, file]) => new RegExp(`^export class ${name}\\b`, 'm').test(readFileSync(join(ROOT, file), 'utf8')));
    const named = new Set(all.flatMap(({ names }) => names));
    expect(classes.map(([name]) => name).filter((name) => !named.has(name))).toEqual([]);
    expect(classes.length).toBeGreaterThan(10);
  });
});
