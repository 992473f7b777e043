import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type SealedValue } from './secret-box';

const CHUNK = 500;

/** A secret where it is stored: in its row (version null), or in a version of the history. */
export interface SealedSecret {
  key: string;
  version: number | null;
  value: unknown;
}

/** Where secrets are stored: the rows of system settings, and their history. Nothing else holds one. */
@Injectable()
export class SecretsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** All that is sealed with another key, a chunk after the other: of each key the row first, which is in use. */
  async *sealedWithout(keyId: string): AsyncGenerator<SealedSecret> {
    for (let after: [string, number] = ['', -1]; ;) {
      const rows: (SealedSecret & { place: number })[] = await this.dataSource.query(
        `SELECT key, version, value, coalesce(version, 0) AS place FROM (
           SELECT key, NULL::integer AS version, value FROM system_configurations WHERE visibility = 'secret'
           UNION ALL SELECT key, version, content -> 'value' FROM system_configuration_versions WHERE content ->> 'visibility' = 'secret') s
         WHERE value ->> 'keyId' IS DISTINCT FROM $1 AND (key, coalesce(version, 0)) > ($2, $3) ORDER BY key, place LIMIT ${CHUNK}`,
        [keyId, ...after],
      );
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined) return;
      after = [last.key, last.place];
    }
  }

  /** Puts the value sealed anew in place of the one that was read; false when somebody wrote another one meanwhile. */
  async replace({ key, version, value }: SealedSecret, sealed: SealedValue): Promise<boolean> {
    const [before, after] = [JSON.stringify(value), JSON.stringify(sealed)];
    const [, count]: [unknown, number] =
      version === null
        ? await this.dataSource.query(`UPDATE system_configurations SET value = $2 WHERE key = $1 AND visibility = 'secret' AND value = $3::jsonb`, [
            key,
            after,
            before,
          ])
        : await this.dataSource.query(
            `UPDATE system_configuration_versions SET content = jsonb_set(content, '{value}', $3::jsonb)
             WHERE key = $1 AND version = $2 AND content -> 'value' = $4::jsonb`,
            [key, version, after, before],
          );
    return count === 1;
  }
}
