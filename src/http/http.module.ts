import { type DynamicModule, Global, Module } from '@nestjs/common';
import { PublicPath } from './public-path';
import { RouteTable } from './route-table';

/** Provides the routes that the adapter was given, and where browsers see them, to every module. */
@Global()
@Module({})
export class HttpModule {
  static of(routes: RouteTable, path: PublicPath): DynamicModule {
    const providers = [
      { provide: RouteTable, useValue: routes },
      { provide: PublicPath, useValue: path },
    ];
    return { module: HttpModule, providers, exports: [RouteTable, PublicPath] };
  }
}
