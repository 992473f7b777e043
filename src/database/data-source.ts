import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from './data-source-options';
import { MIGRATION_SESSION } from './migrate';

// What TypeORM's own command line loads (`npm run migration:*`): exactly one export.
export default new DataSource(dataSourceOptions(process.env.DATABASE_URL ?? '', 2, MIGRATION_SESSION));
