import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ts from 'typescript';

const ROOT = join(__dirname, '../packages/console/src');
/** Members that components show in the language of the pages. */
const SHOWN = new Set(['label', 'hint', 'caption', 'title', 'short', 'confirm', 'empty']);
const NAMED = new Set(['Act', 'Tile']);

const parse = (path: string) => ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);

function texts(node: ts.Expression | undefined): string[] {
  if (node === undefined) return [];
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isConditionalExpression(node)) return [...texts(node.whenTrue), ...texts(node.whenFalse)];
  return ts.isParenthesizedExpression(node) ? texts(node.expression) : [];
}

/** What is shown of one node: an argument of `t`, or what a component translates by itself. */
function messagesOf(node: ts.Node): string[] {
  if (ts.isCallExpression(node) && node.expression.getText() === 't') return texts(node.arguments[0]);
  if (ts.isJsxAttribute(node)) {
    const [name, tag] = [node.name.getText(), node.parent.parent.tagName.getText()];
    if (!(SHOWN.has(name) && /^[A-Z]/.test(tag)) && !(name === 'name' && NAMED.has(tag))) return [];
    return texts(node.initializer && ts.isJsxExpression(node.initializer) ? node.initializer.expression : node.initializer);
  }
  const isColumn = ts.isPropertyAssignment(node) && node.name.getText() === 'name' && node.parent.properties.some((one) => one.name?.getText() === 'cell');
  return isColumn ? texts(node.initializer) : [];
}

/** Text that stands between tags and is in no catalogue. */
const isBare = (node: ts.Node) =>
  ts.isJsxText(node) && /\p{L}{2}/u.test(node.text) && !(ts.isJsxElement(node.parent) && node.parent.openingElement.tagName.getText() === 'code');

function german(): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node)) found.set((node.name as ts.Identifier | ts.StringLiteral).text, texts(node.initializer)[0] ?? '');
    ts.forEachChild(node, visit);
  };
  visit(parse(join(ROOT, 'messages/de.ts')));
  return found;
}

describe('the messages of the console', () => {
  const messages = new Set<string>();
  const bare: string[] = [];
  const catalogue = german();
  beforeAll(() => {
    const visit = (node: ts.Node): void => {
      for (const message of messagesOf(node)) messages.add(message);
      if (isBare(node)) bare.push(node.getText().trim());
      ts.forEachChild(node, visit);
    };
    const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter((path) => /\.tsx?$/.test(path) && !path.startsWith('messages'));
    for (const path of files) visit(parse(join(ROOT, path)));
  });

  it('are all in the German catalogue, and no text of a page is without one', () => {
    expect(messages.size).toBeGreaterThan(300);
    expect([...messages].filter((message) => /\p{L}/u.test(message) && !catalogue.has(message))).toEqual([]);
    expect(bare).toEqual([]);
  });

  it('show the same values in each language', () => {
    const values = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();
    for (const [english, translated] of catalogue) expect([english, values(translated)]).toEqual([english, values(english)]);
  });
});
