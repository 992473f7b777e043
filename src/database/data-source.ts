import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { Connections } from './connections';
import { dataSourceOptions } from './data-source-options';
import { MIGRATION_SESSION } from './migrate';

// What TypeORM's own command line loads (`npm run migration:*`): exactly one export.
export default Connections.open(process.env.DATABASE_DIRECT_URL || (process.env.DATABASE_URL ?? '')).then(
  (connections) => new DataSource(dataSourceOptions(connections, 2, MIGRATION_SESSION)),
);
