import { type DynamicModule, Global, Module } from '@nestjs/common';
import { RouteTable } from './route-table';

/** Provides the routes that the adapter was given to every module. */
@Global()
@Module({})
export class HttpModule {
  static of(routes: RouteTable): DynamicModule {
    return { module: HttpModule, providers: [{ provide: RouteTable, useValue: routes }], exports: [RouteTable] };
  }
}
