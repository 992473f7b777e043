const { Refusal } = require('./refusal.cjs');

/**
 * Lines that a feature needs in files of everybody: where each goes, by what stands there.
 * @param {any} feature
 * @returns {{ path: string, text: string, after: (source: string, text: string) => string | null }[]}
 */
function insertionsOf({ Plural, Class, plural, title, titles, owned, fields }) {
  const shown = fields.map(({ name }) => name).join(', ');
  return [
    { path: 'src/app.module.ts', text: `import { ${Plural}Module } from './${plural}/${plural}.module';\n`, after: amongImports },
    { path: 'src/app.module.ts', text: `    ${Plural}Module,\n`, after: (source, text) => before(source, text, /^ {2}\],\n {2}providers:/m) },
    {
      path: 'src/openapi/document.ts',
      text: `  ${/^\w+$/.test(plural) ? plural : `'${plural}'`}: '${titles.charAt(0).toUpperCase()}${titles.slice(1)}${owned ? ' of users' : ''}.',\n`,
      after: (source, text) => before(source, text, /^ {2}errors: /m),
    },
    // The client keys every call that creates; the compiler holds its list to the document.
    {
      path: 'packages/client/src/idempotency-keys.ts',
      text: `  'POST /v1/${plural}': true,\n`,
      after: (source, text) => before(source, text, /^};\n\nconst isKeyed/m),
    },
    {
      path: 'docs/glossary.md',
      text: `| ${title} | ${owned ? 'a row of a user' : 'a row'}: ${shown} | \`${Class}\` |\n`,
      after: (source, text) => intoTable(source, text, '## Of features'),
    },
    {
      path: 'README.md',
      text: `| \`src/${plural}/\` | ${titles}${owned ? ' of users' : ''} |\n`,
      after: (source, text) => intoTable(source, text, '## The map'),
    },
  ];
}

/** @param {string} source @param {string} text @param {RegExp} place */
function before(source, text, place) {
  const match = place.exec(source);
  return match === null ? null : source.slice(0, match.index) + text + source.slice(match.index);
}

/** Behind the last import of a feature whose name is smaller. @param {string} source @param {string} text */
function amongImports(source, text) {
  const from = (/** @type {string} */ line) => /from '([^']+)'/.exec(line)?.[1] ?? '';
  const lines = source.split('\n');
  const imports = lines.map((line, i) => ({ line, i })).filter(({ line }) => /^import .* from '\.\//.test(line));
  const last = imports.filter(({ line }) => from(line) < from(text)).at(-1) ?? imports.at(-1);
  if (last === undefined) return null;
  lines.splice(last.i + 1, 0, text.trimEnd());
  return lines.join('\n');
}

/** At the end of the first table below the heading. @param {string} source @param {string} text @param {string} heading */
function intoTable(source, text, heading) {
  const start = source.indexOf(`${heading}\n`);
  if (start === -1) return null;
  const rows = [...source.slice(start).matchAll(/^\|.*\n(?!\|)/gm)];
  const [end] = rows;
  if (end === undefined) return null;
  const at = start + (end.index ?? 0) + end[0].length;
  return source.slice(0, at) + text + source.slice(at);
}

/** The cells of a row, whatever the width of its columns. @param {string} line */
const cells = (line) =>
  line
    .trim()
    .replaceAll(/\s*\|\s*/g, '|')
    .replaceAll(/\s+/g, ' ');

/**
 * Takes a line out again. @returns {string} the source without it
 * @param {string} path
 * @param {string} source
 * @param {string} text
 */
function withoutLine(path, source, text) {
  const lines = source.split('\n');
  const found = lines.findIndex((line) => cells(line) === cells(text));
  if (found === -1) throw new Refusal(`${path} has no line "${text.trim()}" any more: it was edited, so take out by hand what is left.`);
  lines.splice(found, 1);
  return lines.join('\n');
}

module.exports = { insertionsOf, withoutLine };
