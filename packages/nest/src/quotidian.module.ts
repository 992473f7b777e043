import { type DynamicModule, type FactoryProvider, Module, type ModuleMetadata } from '@nestjs/common';
import { QUOTIDIAN_OPTIONS, type QuotidianOptions } from './options';
import { Quotidian } from './quotidian';
import { QuotidianGuard } from './quotidian.guard';

/** As of other modules: what the factory asks for, and the modules that have it. */
export interface QuotidianAsyncOptions extends Pick<ModuleMetadata, 'imports'>, Pick<FactoryProvider, 'inject'> {
  useFactory: (...args: never[]) => QuotidianOptions | Promise<QuotidianOptions>;
}

/** Once in an application, in its root module; `@Metered(…)` then works in all of them. */
@Module({})
export class QuotidianModule {
  static forRoot(options: QuotidianOptions): DynamicModule {
    return dynamic({ useValue: options });
  }

  static forRootAsync({ imports, inject = [], useFactory }: QuotidianAsyncOptions): DynamicModule {
    return { ...dynamic({ inject, useFactory }), imports };
  }
}

function dynamic(options: { useValue: QuotidianOptions } | Pick<FactoryProvider, 'inject' | 'useFactory'>): DynamicModule {
  return {
    module: QuotidianModule,
    global: true,
    providers: [{ provide: QUOTIDIAN_OPTIONS, ...options }, Quotidian, QuotidianGuard],
    exports: [QUOTIDIAN_OPTIONS, Quotidian, QuotidianGuard],
  };
}
