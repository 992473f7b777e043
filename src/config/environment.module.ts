import { type DynamicModule, Global, Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { Environment, parseEnvironment } from './environment';
import { Secrets } from './secrets';

/**
 * Reads the environment: `.env`, then the process's variables, then what a test or a command overrides.
 *
 * @param needsSecrets false: for what neither signs nor opens anything
 */
export async function readEnvironment(overrides: Partial<Environment> = {}, needsSecrets = true): Promise<{ environment: Environment; module: DynamicModule }> {
  let environment = new Environment();
  const config = await ConfigModule.forRoot({
    ignoreEnvFile: process.env.NODE_ENV === 'test',
    validate: (raw) => {
      environment = parseEnvironment({ ...raw, ...overrides }, needsSecrets);
      // Nest puts what is returned into the process's environment, where what stands in files does not belong.
      return Object.fromEntries(
        Object.entries(environment).filter(([name]) => (environment as unknown as Record<string, unknown>)[`${name}_FILE`] === undefined),
      );
    },
  });
  return { environment, module: EnvironmentModule.of(environment, config) };
}

/** Provides the one `Environment` and the secrets in it to every module. */
@Global()
@Module({})
export class EnvironmentModule {
  static of(environment: Environment, config: DynamicModule): DynamicModule {
    return {
      module: EnvironmentModule,
      imports: [config],
      providers: [
        { provide: Environment, useValue: environment },
        { provide: Secrets, useFactory: () => new Secrets(environment) },
      ],
      exports: [Environment, Secrets],
    };
  }
}
