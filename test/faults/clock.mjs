import { existsSync, mkdtempSync, chmodSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianFolder } from '../../bench/support/postgres.mjs';

const LIBRARIES = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu'].map((folder) => join(folder, 'faketime/libfaketime.so.1'));
const library = process.env.LIBFAKETIME ?? LIBRARIES.find((path) => existsSync(path));

/** Why no clock can be set here; null when one can. */
export const NO_CLOCK = library === undefined ? 'libfaketime is not installed (apt-get install libfaketime)' : null;

/** The clock of a PostgreSQL, to be set while it runs: forwards, backwards, as often as one likes. It goes on from where it is set. */
export class Clock {
  /** How far it is ahead. */
  seconds = 0;

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), 'quotidian-clock-'));
    chmodSync(folder, 0o755);
    this.file = join(folder, 'offset');
    this.write(0);
  }

  /** What the server is started with. */
  get environment() {
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** The server's binaries: Debian's where they are, as the library is of the same house. */
  get binDir() {
    return debianFolder();
  }

  /** What it shows. */
  get now() {
    return new Date(Date.now() + this.seconds * 1_000);
  }

  /** @param {string} instant such as 2026-12-31T23:59:57Z */
  set(instant) {
    this.write((Date.parse(instant) - Date.now()) / 1_000);
  }

  write(seconds) {
    this.seconds = seconds;
    // Renamed into place: the server reads it at every look at the clock, and must never find half of it.
    writeFileSync(`${this.file}.new`, `${seconds < 0 ? '' : '+'}${seconds.toFixed(3)}s\n`, { mode: 0o644 });
    renameSync(`${this.file}.new`, this.file);
  }
}
