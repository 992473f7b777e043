import { DataSource } from 'typeorm';
import { type Connections, type SessionSpec } from './connections';
import { dataSourceOptions } from './data-source-options';

/** A data source of its own for commands that look at a database without the application: its statements only read. The caller ends it. */
export function openToLook(connections: Connections, poolSize: number, { settings, ...spec }: SessionSpec): Promise<DataSource> {
  return new DataSource(dataSourceOptions(connections, poolSize, { ...spec, settings: { default_transaction_read_only: 'on', ...settings } })).initialize();
}
