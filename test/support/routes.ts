import { type INestApplicationContext, RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { type Access, ACCESS } from '../../src/common/access.decorators';

export interface Route {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With `:name` parameters. */
  path: string;
  access: Access;
  /** The class that the body is checked against. */
  body: Type<object> | null;
  query: Type<object> | null;
}

/** Nest's numbers for kinds of parameters. */
const BODY = '3:';
const QUERY = '4:';

/** Every route of the service, with what it asks of its caller: as the guard and the pipe read them. */
export function routesOf(app: INestApplicationContext): Route[] {
  const controllers = app.get(DiscoveryService, { strict: false }).getControllers();
  const scanner = new MetadataScanner();
  return controllers.flatMap(({ metatype }) => {
    const controller = metatype as Type<object>;
    const prototype = controller.prototype as Record<string, object>;
    return scanner
      .getAllMethodNames(prototype)
      .filter((name) => Reflect.hasMetadata(PATH_METADATA, prototype[name]))
      .flatMap((name) => {
        const handler = prototype[name];
        const method = RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as number].toLowerCase() as Route['method'];
        const access = Reflect.getMetadata(ACCESS, handler) as Access;
        const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) ?? {}) as Record<string, { index: number }>;
        const types = (Reflect.getMetadata('design:paramtypes', prototype, name) ?? []) as Type<object>[];
        const checkedBy = (wanted: string) => {
          const argument = Object.entries(args).find(([kind]) => kind.startsWith(wanted))?.[1];
          return argument ? (types[argument.index] ?? null) : null;
        };
        const body = checkedBy(BODY);
        const query = checkedBy(QUERY);
        const paths = [Reflect.getMetadata(PATH_METADATA, handler) as string | string[]].flat();
        const bases = [Reflect.getMetadata(PATH_METADATA, controller) as string | string[]].flat();
        return bases.flatMap((base) =>
          paths.map((path) => ({ method, path: `/${base}/${path}`.replace(/\/+/g, '/').replace(/(.)\/$/, '$1'), access, body, query })),
        );
      });
  });
}

/** The path with something in the place of each parameter. */
export function filled(path: string, values: Record<string, string> = {}): string {
  return path.replace(/:(\w+)/g, (_, name: string) => values[name] ?? (name === 'userId' ? 'me' : '1')).replaceAll('*', 'x');
}
