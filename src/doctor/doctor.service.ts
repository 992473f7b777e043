import { Injectable } from '@nestjs/common';
import { Environment } from '../config/environment';
import { Connections } from '../database/connections';
import { diagnoseWith } from './doctor';
import { type Diagnosis } from './finding';

/** One look may take so long. */
const PROBE_MS = 3_000;
/** Whoever asks again sooner has the same answer: a look at tables and books costs the database something. */
const KEPT_MS = 10_000;

/** What `quotidian doctor` finds, looked at by a running service: one look at a time, whoever asks. */
@Injectable()
export class DoctorService {
  private last: { at: number; diagnosis: Promise<Diagnosis> } | null = null;

  constructor(
    private readonly environment: Environment,
    private readonly connections: Connections,
  ) {}

  diagnosis(): Promise<Diagnosis> {
    if (this.last !== null && performance.now() - this.last.at < KEPT_MS) return this.last.diagnosis;
    const diagnosis = diagnoseWith(this.environment, this.connections, PROBE_MS);
    this.last = { at: performance.now(), diagnosis };
    diagnosis.catch(() => (this.last = null));
    return diagnosis;
  }
}
