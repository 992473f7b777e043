import { type DataSource } from 'typeorm';
import { Secrets } from '../config/secrets';
import { type Environment } from '../config/environment';
import { SecretsRepository } from '../configurations/secrets.repository';
import { type Connections, type SessionSpec } from '../database/connections';
import { openToLook } from '../database/look-data-source';
import { BooksRepository } from '../ledger/books.repository';
import { SecretBox } from '../settings/secret-box';
import { type Diagnosis, diagnosisOf, type Finding } from './finding';
import { ageFindings, allBooksFinding, secretFinding, sequenceRestoreFindings } from './restore.probe';
import { RestoreRepository } from './restore.repository';
import { indexFindings, migrationFinding } from './tables.probe';
import { TablesRepository } from './tables.repository';

const SESSION: SessionSpec = { application: 'quotidian backup check', statementTimeoutMs: 0 };

/** Whether a restored database is whole: schema, ids, secrets and all books. Changes nothing, and takes as long as the ledger is long. */
export async function checkRestored(environment: Environment, connections: Connections, onCheck?: (done: number, of: number) => void): Promise<Diagnosis> {
  const dataSource = await openToLook(connections, 2, SESSION);
  try {
    const tables = new TablesRepository(dataSource);
    const migrations = await migrationFinding(
      tables,
      dataSource.migrations.map(({ name }) => name ?? ''),
    );
    const schema = { name: 'Schema', findings: [migrations, ...(await indexFindings(tables))] };
    // An older schema has other tables: first it is migrated, then the rest is looked at.
    if (migrations.status === 'failure') return diagnosisOf([schema]);
    const restored = new RestoreRepository(dataSource);
    const contents: Finding[] = [
      ...(await sequenceRestoreFindings(restored)),
      secretFinding(await foreignSecrets(environment, dataSource)),
      await allBooksFinding(new BooksRepository(connections), onCheck),
      ...(await ageFindings(restored)),
    ];
    return diagnosisOf([schema, { name: 'Contents', findings: contents }]);
  } finally {
    await dataSource.destroy();
  }
}

async function foreignSecrets(environment: Environment, dataSource: DataSource): Promise<string[]> {
  const box = new SecretBox(new Secrets(environment));
  const repository = new SecretsRepository(dataSource);
  const isForeign = (value: unknown) => !box.keyIds.includes((value as { keyId?: string } | null)?.keyId ?? '');
  const names: string[] = [];
  for await (const { key, value } of repository.sealedWithout(box.keyId)) if (isForeign(value)) names.push(key);
  for await (const { column, id, value } of repository.cellsSealedWithout(box.keyId)) if (isForeign(value)) names.push(`${column.table} ${id}`);
  return names;
}
