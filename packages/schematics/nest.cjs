#!/usr/bin/env node
// `npx nest`: `link-nest.cjs` puts it in the place of the Nest CLI, which hands what it is called with to a shell, unquoted, and none of a collection's
// options, so that a definition with parentheses never comes through. Such a call goes to the generator by itself; every other one to the Nest CLI.
const { dirname, join } = require('node:path');
const { createInterface } = require('node:readline/promises');
const { pathToFileURL } = require('node:url');

const OURS = ['feature', 'field', 'setting', 'job', 'command'];
const SHELL_READS = /[()|;&<>$`"'\\]|\{[^}]*,[^}]*\}/;
const OUR_OPTIONS = /^--(no-)?(owned|metered|cost|singular|description|public|finish)\b/;

main().catch((error) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});

async function main() {
  const [verb = '', what = '', ...rest] = process.argv.slice(2);
  const passed = ['g', 'generate'].includes(verb) && OURS.includes(what) && rest.some((word) => SHELL_READS.test(word) || OUR_OPTIONS.test(word));
  if (!passed) {
    const cli = require.resolve('@nestjs/cli/package.json', { paths: [join(__dirname, '../..')] });
    await import(pathToFileURL(join(dirname(cli), 'bin/nest.js')).href);
    return;
  }
  const words = rest.map((word) => (word === '-d' ? '--dry-run' : word));
  process.argv.splice(2, Infinity, what, ...words, ...(what === 'feature' ? await missing(words) : []));
  require('./cli.cjs');
}

/** What a terminal is asked for, as the Nest CLI would. @param {string[]} words @returns {Promise<string[]>} */
async function missing(words) {
  if (!process.stdin.isTTY) return [];
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const isStated = (/** @type {string} */ option) => words.some((word) => [`--${option}`, `--no-${option}`].includes(word));
  try {
    const owned =
      isStated('owned') || !/^n/i.test(await terminal.question("Is each row its user's (otherwise: administrators write, everybody reads)? (Y/n) "));
    const asksMetered = owned && !isStated('metered') && !words.includes('--no-owned');
    const metered = asksMetered && /^y/i.test(await terminal.question('Is making one charged? (y/N) '));
    return [...(owned ? [] : ['--no-owned']), ...(metered ? ['--metered'] : [])];
  } finally {
    terminal.close();
  }
}
