import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../bench/support/built.mjs';

/**
 * What is changed in a built file; what the database is given besides; and the findings that must come of it.
 * @typedef {object} Mutant
 * @property {string} [file]
 * @property {[RegExp, string]} [change]
 * @property {Record<string, [RegExp, string]>} [files] several, in place of `file` and `change`
 * @property {string} [prepare]
 * @property {RegExp[]} [findings]
 * @property {boolean} [optional]
 * @property {string} [caller] who finds it out
 */

/**
 * What may be taken out of the built service, and by which findings the harness, and `quotidian audit` of the unchanged build, must notice.
 * @type {Record<string, Mutant>}
 */
export const MUTANTS = {
  'without the guard': {
    file: 'dist/src/ledger/charge.sql.js',
    change: [/used_after > \$\{forms \? 'reach' : 'ceiling'\}/g, 'used_after > 2147483647'],
    // The ledger's own check would turn the over-admission into errors: it is the second net, and not what is tried here.
    prepare: 'ALTER TABLE requests DROP CONSTRAINT requests_used_at_charge_check',
    findings: [/^I1|^I3/, /quotidian audit/],
  },
  'without a look for the Idempotency-Key': {
    file: 'dist/src/ledger/admission.repository.js',
    change: [/keys: charges\.some\([^\n]*\),/g, 'keys: false,'],
    findings: [/charged again|two requests for one key/],
  },
  'with a counter that forgets a unit of each batch': {
    file: 'dist/src/ledger/charge.sql.js',
    change: [/max\(used_after\)::integer AS used_now/g, '(max(used_after) - 1)::integer AS used_now'],
    findings: [/^I2/, /quotidian audit/],
  },
};

/**
 * What only charges without an Idempotency-Key go through, likewise.
 * @type {Record<string, Mutant>}
 */
export const UNKEYED_MUTANTS = {
  'without the guard of the plain case': {
    file: 'dist/src/ledger/plain-charge.sql.js',
    change: [/u\.api_quota_used_today \+ a\.units <= u\.api_quota_daily/g, 'true'],
    prepare: 'ALTER TABLE requests DROP CONSTRAINT requests_used_at_charge_check',
    findings: [/^I1|^I3/, /quotidian audit/],
  },
  'with a lane that locks nothing': {
    file: 'dist/src/ledger/charge.sql.js',
    change: [/FOR NO KEY UPDATE\$\{when\(skips, ' SKIP LOCKED'\)\}\) l/g, "${skips ? '' : 'FOR NO KEY UPDATE'}) l"],
    findings: [/^I2/, /quotidian audit/],
  },
  'with the last that came first': {
    file: 'dist/src/ledger/charge-queue.js',
    change: [/\.waiting\[round\]/g, '.waiting.at(-1 - round)'],
    findings: [/not charged in order of arrival/],
  },
};

/**
 * What users of plans with more than a daily quota go through, likewise.
 * @type {Record<string, Mutant>}
 */
export const FORMS_MUTANTS = {
  'without the guard of limits by period': {
    file: 'dist/src/ledger/limits.sql.js',
    change: [/o\.after > o\.ceiling/g, 'false'],
    findings: [/^forms: units admitted/],
  },
  'without the guard of what is in flight': {
    file: 'dist/src/ledger/in-flight.sql.js',
    change: [/flight_after > flight_max OR type_after > type_max/g, 'false'],
    findings: [/^forms: units admitted/],
  },
};

/**
 * Commits that are acknowledged before the disk has them.
 * @type {Mutant}
 */
export const DURABILITY_MUTANT = {
  file: 'dist/src/database/session.js',
  change: [/synchronous_commit: 'on'/g, "synchronous_commit: 'off'"],
};

/**
 * What the ledger cannot show, and only the history of each user does.
 * @type {Record<string, Mutant>}
 */
export const HISTORY_MUTANTS = {
  'that remembers a refusal for half a second': {
    file: 'dist/src/quotas/charging.service.js',
    change: [
      /return this\.charged\(charge, burst, await this\.admission\.admit\(charge\)\);/g,
      `const last = (this.last ??= new Map()).get(charge.userId);
       const verdict = last?.until > Date.now() ? last.verdict : await this.admission.admit(charge);
       if (verdict.outcome === 'over-quota' && verdict !== last?.verdict) this.last.set(charge.userId, { verdict, until: Date.now() + 500 });
       return this.charged(charge, burst, verdict);`,
    ],
    findings: [/is not linearizable/],
  },
  'that remembers a look at the quota for two seconds': {
    file: 'dist/src/quotas/quotas.service.js',
    change: [
      /const found = await this\.read\(userId\);/g,
      `const last = (this.last ??= new Map()).get(userId);
       const found = last?.until > Date.now() ? last.row : await this.read(userId);
       if (found !== last?.row) this.last.set(userId, { row: found, until: Date.now() + 2_000 });`,
    ],
    findings: [/is not linearizable/],
  },
};

/**
 * What may be taken out of what workers rely on, likewise.
 * @type {Record<string, Mutant>}
 */
export const WORK_MUTANTS = {
  'without the fence of attempts': {
    file: 'dist/src/ledger/settlement.repository.js',
    change: [/ OR t\.attempt <> i\.attempt/g, ''],
    findings: [/^a result is not of the attempt|^the word that was acknowledged/],
  },
  'with a refund at every failure, and not at the last': {
    file: 'dist/src/ledger/settlement.repository.js',
    change: [/next IN \('pending', 'processing'\) THEN 0/g, "next = 'processing' THEN 0"],
    findings: [/^succeeded and not refunded what is due/],
  },
  'with the oldest first, whoever waits beside': {
    file: 'dist/src/requests/working/claims.repository.js',
    change: [/c\.place \+ coalesce\(l\.lead, 0\) AS rank/g, '0 AS rank'],
    findings: [/^a flood was in the way/],
  },
};

/**
 * What may be taken out of what receivers of webhooks rely on, likewise.
 * @type {Record<string, Mutant>}
 */
export const WEBHOOK_MUTANTS = {
  'that takes any answer for a good one': {
    file: 'dist/src/webhooks/retry-plan.js',
    change: [/status >= 200 && status < 300/g, 'true'],
    findings: [/never came to receiver/],
  },
  'that gives up what a killed process was at': {
    file: 'dist/src/webhooks/dispatch.repository.js',
    change: [/interval '30 seconds'/g, "interval '1 day'"],
    findings: [/never came to receiver/],
  },
  'that keeps no order where it was asked for': {
    file: 'dist/src/webhooks/fan-out.repository.js',
    change: [/e\.id, e\.ordered FROM/g, 'e.id, false AS ordered FROM'],
    findings: [/came behind a later one/],
  },
};

/**
 * The day of the ledger by the statement's clock, and not by the row that was charged: right until a clock steps back or a charge waits over midnight.
 * @type {Mutant}
 */
export const CLOCK_MUTANT = {
  files: {
    'dist/src/ledger/charge.sql.js': [/i\.cost, v\.day, v\.fold/g, "i.cost, (now() AT TIME ZONE 'UTC')::date, v.fold"],
    'dist/src/ledger/plain-charge.sql.js': [/i\.cost, c\.day, c\.fold/g, "i.cost, (now() AT TIME ZONE 'UTC')::date, c.fold"],
  },
};

/**
 * A copy of the built service with the change.
 * @param {Mutant} mutant
 * @throws when the text to change is gone, because then the proof proves nothing
 */
export function makeMutant({ file, change, files = file && change ? { [file]: change } : {} }) {
  const root = mkdtempSync(join(tmpdir(), 'quotidian-mutant-'));
  cpSync(join(ROOT, 'dist'), join(root, 'dist'), { recursive: true });
  for (const name of ['node_modules', 'package.json']) symlinkSync(join(ROOT, name), join(root, name));
  for (const [path, [pattern, replacement]] of Object.entries(files)) {
    const before = readFileSync(join(root, path), 'utf8');
    const after = before.replace(pattern, replacement);
    if (after === before) throw new Error(`${path} holds nothing like ${pattern}: bring test/faults/mutants.mjs up to date.`);
    writeFileSync(join(root, path), after);
  }
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** Every mutant by name: each is made anew by a file of the build, and must find its place there. */
const ALL = Object.entries({
  ...MUTANTS,
  ...UNKEYED_MUTANTS,
  ...FORMS_MUTANTS,
  ...HISTORY_MUTANTS,
  ...WORK_MUTANTS,
  ...WEBHOOK_MUTANTS,
  'that commits before the disk has it': DURABILITY_MUTANT,
  'by the clock of the statement': CLOCK_MUTANT,
});

/**
 * Makes each mutant, and runs none: which of them the sources have left behind is known in seconds, and not at the end of a fault run.
 * @returns {Iterable<{ name: string, broken: string[] }>}
 */
export function* makeMutants() {
  for (const [name, mutant] of ALL) {
    try {
      makeMutant(mutant).remove();
      yield { name, broken: [] };
    } catch (error) {
      yield { name, broken: [error.message] };
    }
  }
}
