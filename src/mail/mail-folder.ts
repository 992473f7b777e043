import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const DAY_MS = 86_400_000;

/** Where mails lie as files while there is no server to send them by. */
export function mailFolder(dataDir: string): string {
  return resolve(dataDir, 'mail');
}

/** Writes a message as a file that mail programs open, whole or not at all, readable by nobody else: there are tokens in it. */
export async function deliverToFolder(folder: string, name: string, message: Buffer): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${name}.eml`);
  await writeFile(`${path}.part`, message, { mode: 0o600 });
  await rename(`${path}.part`, path);
}

/** Removes files that are older than so many days; none is no error. */
export async function tidyFolder(folder: string, days: number): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((file) => /\.eml(\.part)?$/.test(file))) {
    const found = await stat(join(folder, name)).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > days * DAY_MS) await rm(join(folder, name), { force: true });
  }
}
