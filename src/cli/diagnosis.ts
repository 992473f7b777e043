import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Environment } from '../config/environment';
import { StartupError } from '../config/startup-error';
import { reachableFolder } from '../database/embedded/data-folder';
import { EmbeddedPostgres } from '../database/embedded/embedded-postgres';
import { serverAccount } from '../database/embedded/server-account';
import { type Diagnosis, type FindingStatus } from '../doctor/finding';

const SIGNS: Record<FindingStatus, string> = { ok: '✓', warning: '!', failure: '✗', unknown: '?' };
const CODES: Record<Diagnosis['status'], number> = { ok: 0, warning: 1, failure: 2 };

/** The embedded server that is there already; null where DATABASE_URL names another. To look at a database makes none. @throws StartupError */
export async function presentServer({ embedded, DATA_DIR, EMBEDDED_PG_BIN_DIR }: Environment): Promise<EmbeddedPostgres | null> {
  if (!embedded) return null;
  if (!existsSync(DATA_DIR) || !existsSync(join(await reachableFolder(DATA_DIR, serverAccount()), 'PG_VERSION'))) {
    throw new StartupError(`DATABASE_URL is not set, and there is no embedded database below ${DATA_DIR}.`);
  }
  return EmbeddedPostgres.start({ dataDir: DATA_DIR, binDir: EMBEDDED_PG_BIN_DIR });
}

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
