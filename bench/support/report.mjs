import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { ROOT } from './built.mjs';
import { GENERATOR } from './load.mjs';
import { DRIVER } from './pgbench.mjs';
import { ROUNDS, SCALE, SECONDS } from './rounds.mjs';

const COLUMNS = ['bench', 'figure', 'baseline', 'ratio', 'goal', 'met'];
const [BEGIN, END] = ['<!-- figures: written by npm run bench -->', '<!-- end of figures -->'];
const DOCUMENT = join(ROOT, 'docs/benchmarks.md');

/**
 * A line of the table.
 * @param {{ bench: string, figure: string, baseline?: string, ratio?: number, atLeast?: number, atMost?: number, within?: number, unit?: string }} line
 */
export function row({ bench, figure, baseline = '–', ratio = NaN, atLeast, atMost, within, unit = '' }) {
  const goal = atLeast !== undefined ? `≥ ${atLeast}${unit}` : atMost !== undefined ? `≤ ${atMost}${unit}` : within !== undefined ? `1 ± ${within}` : '–';
  const met = atLeast !== undefined ? ratio >= atLeast : atMost !== undefined ? ratio <= atMost : within !== undefined ? Math.abs(ratio - 1) <= within : null;
  return [bench, figure, baseline, Number.isNaN(ratio) ? '–' : `${ratio.toFixed(2)}${unit}`, goal, met === null ? '–' : met ? 'yes' : 'NO'];
}

export const perSecond = (n) => `${Math.round(n).toLocaleString('en-US')}/s`;
export const ms = (n) => `${n.toFixed(n < 10 ? 2 : 1)} ms`;

export function print(rows) {
  const table = new Table({ head: COLUMNS, style: { head: [], border: [] } });
  for (const line of rows) table.push(line);
  process.stdout.write(`${table.toString()}\n`);
}

/** What the figures hold for. */
export function facts(stage) {
  const commit = git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', 'src', 'migrations') === '' ? '' : ' and changes');
  return [
    `the last run: ${new Date().toISOString().slice(0, 10)}, commit ${commit}`,
    `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, shared by the service, PostgreSQL and the load generator`,
    `Node ${process.version}, PostgreSQL ${stage.server.major} over a unix socket, fsync and synchronous_commit on`,
    `HTTP load: ${GENERATOR}; bare statement: ${DRIVER}; ${ROUNDS} rounds of ${SECONDS} s each by turns, ratios of medians; large tables × ${SCALE}`,
    `load average of the machine at the end ${loadavg()[0].toFixed(1)}`,
  ];
}

/** Puts the figures into the document, between the marks: the words around them stay. Lines of benches that did not run stay too, with the day that they are of. */
export function write(rows, lines) {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${DOCUMENT} has lost its marks ${BEGIN} and ${END}.`);
  const measured = new Set(rows.map(([bench]) => bench));
  const today = new Date().toISOString().slice(0, 10);
  const names = [...known(text.slice(from, to)), ...rows.map((cells) => [cells[0], [...cells, today]])];
  const merged = new Map();
  for (const [name, cells] of names) if (!merged.has(name) || measured.has(name)) merged.set(name, cells);
  const columns = [...COLUMNS, 'measured'];
  const table = [columns, columns.map(() => '---'), ...merged.values()].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  writeFileSync(DOCUMENT, `${text.slice(0, from)}${BEGIN}\n${lines.map((line) => `- ${line}`).join('\n')}\n\n${table}\n${text.slice(to)}`);
}

function known(text) {
  const lines = text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| bench') && !line.startsWith('| ---'));
  return lines.map((line) => line.slice(2, -2).split(' | ')).map((cells) => [cells[0], cells]);
}

function git(...args) {
  try {
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}
