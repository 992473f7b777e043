import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type SealedValue } from '../settings/secret-box';
import { type SealedColumn, sealedColumns } from '../settings/sealed-column';

const CHUNK = 500;

/** A secret where it is stored: in a version of the history, in a change that waits, or else in its row. */
export interface SealedSecret {
  key: string;
  version: number | null;
  change: number | null;
  value: unknown;
}

/** A sealed value of a row outside the settings. */
export interface SealedCell {
  column: SealedColumn;
  id: string;
  value: unknown;
}

/** Where secrets are stored: the rows of system settings, their history, the changes that wait, and the columns that are declared as sealed. Nothing else holds one. */
@Injectable()
export class SecretsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** All that is sealed with another key, a chunk after the other: of each key the row first, which is in use. */
  async *sealedWithout(keyId: string): AsyncGenerator<SealedSecret> {
    for (let after: [string, number, number] = ['', -1, 0]; ;) {
      const rows: (SealedSecret & { place: [number, number] })[] = await this.dataSource.query(
        `SELECT key, version, change, value, ARRAY[coalesce(version, 0), coalesce(change, 0)] AS place FROM (
           SELECT key, NULL::integer AS version, NULL::integer AS change, value FROM system_configurations WHERE visibility = 'secret'
           UNION ALL SELECT key, version, NULL, content -> 'value' FROM system_configuration_versions WHERE content ->> 'visibility' = 'secret'
           UNION ALL SELECT key, NULL, id, content -> 'value' FROM system_configuration_changes
             WHERE content ->> 'visibility' = 'secret' AND status IN ('proposed', 'approved')) s
         WHERE value ->> 'keyId' IS DISTINCT FROM $1 AND (key, coalesce(version, 0), coalesce(change, 0)) > ($2, $3, $4)
         ORDER BY key, place LIMIT ${CHUNK}`,
        [keyId, ...after],
      );
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined) return;
      after = [last.key, ...last.place];
    }
  }

  /** Puts the value sealed anew in place of the one that was read; false when somebody wrote another one meanwhile. */
  async replace({ key, version, change, value }: SealedSecret, sealed: SealedValue): Promise<boolean> {
    const before = JSON.stringify(value);
    const after = JSON.stringify(sealed);
    const inContent = `SET content = jsonb_set(content, '{value}', $2::jsonb) WHERE content -> 'value' = $1::jsonb AND key = $3`;
    const [statement, place]: [string, (string | number)[]] =
      version !== null
        ? [`UPDATE system_configuration_versions ${inContent} AND version = $4`, [key, version]]
        : change !== null
          ? [`UPDATE system_configuration_changes ${inContent} AND id = $4`, [key, change]]
          : [`UPDATE system_configurations SET value = $2 WHERE value = $1::jsonb AND key = $3 AND visibility = 'secret'`, [key]];
    const [, count]: [unknown, number] = await this.dataSource.query(statement, [before, after, ...place]);
    return count === 1;
  }

  /** Every cell of the declared columns that is sealed with another key, a chunk after the other. */
  async *cellsSealedWithout(keyId: string): AsyncGenerator<SealedCell> {
    for (const column of sealedColumns()) {
      const { table, id, column: name } = column;
      for (let after: string | null = null; ;) {
        const rows: { id: string; value: unknown }[] = await this.dataSource.query(
          `SELECT ${id}::text AS id, ${name} AS value FROM ${table}
           WHERE ${name} ->> 'keyId' <> $1 AND ($2::text IS NULL OR ${id} > ($2::text)::${column.idType}) ORDER BY ${table}.${id} LIMIT ${CHUNK}`,
          [keyId, after],
        );
        for (const row of rows) yield { column, ...row };
        const last = rows.at(-1);
        if (last === undefined) break;
        after = last.id;
      }
    }
  }

  /** Puts the value sealed anew in place of the one that was read; false when the row has another one since, or none. */
  async replaceCell({ column: { table, id: key, idType, column }, id, value }: SealedCell, sealed: SealedValue): Promise<boolean> {
    const [, count]: [unknown, number] = await this.dataSource.query(
      `UPDATE ${table} SET ${column} = $2::jsonb WHERE ${key} = $3::${idType} AND ${column} = $1::jsonb`,
      [JSON.stringify(value), JSON.stringify(sealed), id],
    );
    return count === 1;
  }
}
