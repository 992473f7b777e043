import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { FullDisk } from '../common/full-disk';
import { workerPlace } from '../common/worker-process';
import { Environment } from '../config/environment';
import { StartupError } from '../config/startup-error';
import { Connections } from './connections';
import { openConnections } from './open-connections';
import { dataSourceOptions } from './data-source-options';
import { DataSource } from 'typeorm';
import { openReplica } from './open-replica';
import { ReplicaReads } from './replica-reads';
import { DatabaseClock } from './database-clock';
import { EMBEDDED } from './database.tokens';
import { EmbeddedPostgres } from './embedded/embedded-postgres';
import { migrate } from './migrate';
import { Notifications } from './notifications';
import { RetryingDataSource } from './retrying-data-source';
import { StatementPool } from './statement-pool';
import { refuseCluster } from './cluster-refusal.sql';
import { settleTestClock } from './test-clock.sql';
import { TimeZones } from './time-zones';
import { Transactions } from './transactions';

/** Connections for the prepared statements that many features share. */
const WORK_POOL = { application: 'quotidian work', size: 3 };

/** The server itself: ours when DATABASE_URL is unset. Stopped after everything that uses it. */
@Global()
@Module({
  providers: [
    {
      provide: EMBEDDED,
      inject: [Environment],
      useFactory: (environment: Environment) =>
        environment.embedded
          ? EmbeddedPostgres.start({ dataDir: environment.DATA_DIR, binDir: environment.EMBEDDED_PG_BIN_DIR, adopts: workerPlace() !== null })
          : null,
    },
    {
      provide: Connections,
      inject: [Environment, EMBEDDED],
      useFactory: async (environment: Environment, embedded: EmbeddedPostgres | null) => {
        const connections = await openConnections(environment, embedded?.url);
        await refuseCluster(connections);
        if (environment.migrateOnStart) await migrate(connections);
        await settleTestClock(connections);
        connections.watch();
        return connections;
      },
    },
  ],
  exports: [Connections, EMBEDDED],
})
export class DatabaseServerModule implements OnApplicationShutdown {
  constructor(@Inject(EMBEDDED) private readonly embedded: EmbeddedPostgres | null) {}

  async onApplicationShutdown(): Promise<void> {
    await this.embedded?.stop();
  }
}

@Global()
@Module({
  imports: [
    DatabaseServerModule,
    TypeOrmModule.forRootAsync({
      imports: [DatabaseServerModule],
      inject: [Connections, Environment],
      useFactory: (connections: Connections, environment: Environment) => ({
        ...dataSourceOptions(connections, environment.DATABASE_POOL_SIZE),
        retryAttempts: 0,
        // Without this Nest logs a stack, and that it tries again, of what ends the process with one clear line.
        toRetry: () => false,
      }),
      dataSourceFactory: async (options) => {
        if (options === undefined) throw new Error('unreachable: the factory above always gives options');
        const dataSource = await new RetryingDataSource(options).initialize();
        if (!(await dataSource.showMigrations())) return dataSource;
        await dataSource.destroy();
        throw new StartupError('The database lacks migrations: run `quotidian migrate`, or set MIGRATE_ON_START=true.');
      },
    }),
  ],
  providers: [
    DatabaseClock,
    FullDisk,
    Notifications,
    {
      provide: ReplicaReads,
      inject: [Environment, Connections, DataSource],
      useFactory: (environment: Environment, { schema }: Connections, primary: DataSource) => new ReplicaReads(openReplica(environment, schema, primary)),
    },
    { provide: StatementPool, inject: [Connections], useFactory: (connections: Connections) => new StatementPool(connections, WORK_POOL) },
    TimeZones,
    Transactions,
  ],
  exports: [DatabaseClock, FullDisk, Notifications, ReplicaReads, StatementPool, TimeZones, Transactions],
})
export class DatabaseModule {}
