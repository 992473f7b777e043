import { type Diagnosis, type FindingStatus } from '../doctor/finding';

const SIGNS: Record<FindingStatus, string> = { ok: '✓', warning: '!', failure: '✗', unknown: '?' };
const CODES: Record<Diagnosis['status'], number> = { ok: 0, warning: 1, failure: 2 };

/** Prints the diagnosis, as text or as a line of JSON; the process ends with 0, 1 (warnings) or 2 (failures). */
export function report(diagnosis: Diagnosis, json = false): void {
  process.stdout.write(json ? `${JSON.stringify(diagnosis)}\n` : textOf(diagnosis));
  process.exitCode = CODES[diagnosis.status];
}

function textOf({ groups }: Diagnosis): string {
  return groups
    .map(({ name, findings }) => {
      const lines = findings.map(({ check, status, detail, mend }) => `  ${SIGNS[status]} ${check}: ${detail}\n${mend === undefined ? '' : `      ${mend}\n`}`);
      return `${name}\n${lines.join('')}`;
    })
    .join('\n');
}
