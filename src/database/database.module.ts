import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { StartupError } from '../common/startup-error';
import { Environment } from '../config/environment';
import { DatabaseClock } from './database-clock';
import { dataSourceOptions } from './data-source-options';
import { DATABASE_URL, EMBEDDED } from './database.tokens';
import { EmbeddedPostgres } from './embedded/embedded-postgres';
import { migrate } from './migrate';
import { Notifications } from './notifications';
import { assertUsable } from './server-check';
import { StatementPool } from './statement-pool';
import { TimeZones } from './time-zones';

/** The server itself: ours when DATABASE_URL is unset. Stopped after everything that uses it. */
@Global()
@Module({
  providers: [
    {
      provide: EMBEDDED,
      inject: [Environment],
      useFactory: (environment: Environment) =>
        environment.embedded ? EmbeddedPostgres.start({ dataDir: environment.DATA_DIR, binDir: environment.EMBEDDED_PG_BIN_DIR }) : null,
    },
    {
      provide: DATABASE_URL,
      inject: [Environment, EMBEDDED],
      useFactory: async (environment: Environment, embedded: EmbeddedPostgres | null) => {
        const url = embedded?.url ?? environment.DATABASE_URL ?? '';
        await assertUsable(url);
        if (environment.migrateOnStart) await migrate(url);
        return url;
      },
    },
  ],
  exports: [DATABASE_URL, EMBEDDED],
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
      inject: [DATABASE_URL, Environment],
      useFactory: (url: string, environment: Environment) => ({
        ...dataSourceOptions(url, environment.DATABASE_POOL_SIZE),
        retryAttempts: 0,
      }),
      dataSourceFactory: async (options) => {
        if (options === undefined) throw new Error('unreachable: the factory above always gives options');
        const dataSource = await new DataSource(options).initialize();
        if (!(await dataSource.showMigrations())) return dataSource;
        await dataSource.destroy();
        throw new StartupError('The database lacks migrations: run `quotidian migrate`, or set MIGRATE_ON_START=true.');
      },
    }),
  ],
  providers: [DatabaseClock, Notifications, StatementPool, TimeZones],
  exports: [DatabaseClock, Notifications, StatementPool, TimeZones],
})
export class DatabaseModule {}
