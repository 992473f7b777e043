import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type Replica } from './entities/replica.entity';

/** Shown at once, and forgotten by one report: a crowd of processes that started and died holds nobody up. */
const MAX_ROWS = 100;

export type SeenReplica = Replica & { live: boolean };

@Injectable()
export class ReplicasRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Reports the replica, by the database's clock, and forgets those that were silent for too long. */
  async report({ id, name, version }: Pick<Replica, 'id' | 'name' | 'version'>, forgetAfterSeconds: number): Promise<void> {
    await this.dataSource.query(
      `WITH gone AS (
         DELETE FROM replicas WHERE id IN (
           SELECT id FROM replicas WHERE seen_at < now() - make_interval(secs => $4) ORDER BY seen_at LIMIT ${MAX_ROWS} FOR UPDATE SKIP LOCKED)
       )
       INSERT INTO replicas (id, name, version) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET seen_at = now()`,
      [id, name, version, forgetAfterSeconds],
    );
  }

  async remove(id: string): Promise<void> {
    await this.dataSource.query(`DELETE FROM replicas WHERE id = $1`, [id]);
  }

  /** Those that reported last, first. */
  list(liveForSeconds: number): Promise<SeenReplica[]> {
    return this.dataSource.query(
      `SELECT id, name, version, started_at AS "startedAt", seen_at AS "seenAt", seen_at > now() - make_interval(secs => $1) AS live
       FROM replicas ORDER BY live DESC, started_at DESC, id LIMIT ${MAX_ROWS}`,
      [liveForSeconds],
    );
  }
}
