import { type INestApplicationContext, type Type } from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { type ProblemClass } from '../http/problem';
import { type Declaration, declaredBy, GUARD_FAILS, type GuardFailures } from './declarations';

/** A handler, and what it and its controller declare. */
export class DeclaredRoute {
  readonly declarations: readonly Declaration[];

  constructor(
    private readonly controller: Type<object>,
    private readonly handler: object,
    private readonly guards: readonly GuardFailures[],
  ) {
    this.declarations = [...declaredBy(controller), ...declaredBy(handler)];
  }

  metadata(key: string): unknown {
    return Reflect.getMetadata(key, this.handler) ?? Reflect.getMetadata(key, this.controller);
  }

  /** By which problems the route itself refuses, and by which the guards in front of it. */
  failures(method: string): ProblemClass[] {
    const ofGuards = this.guards.flatMap((guard) => guard({ method: method.toUpperCase(), metadata: (key) => this.metadata(key) }));
    return [...ofGuards, ...this.declarations.flatMap(({ fails = [] }) => fails)];
  }
}

/** The name of the operation in the document, and of the function in most generated clients. */
export function operationId(controller: string, handler: string): string {
  const subject = controller.replace(/Controller$/, '');
  return `${subject.charAt(0).toLowerCase()}${subject.slice(1)}${handler.charAt(0).toUpperCase()}${handler.slice(1)}`;
}

/** Every route by the name of its operation. */
export function declaredRoutes(app: INestApplicationContext): Map<string, DeclaredRoute> {
  // In a preview nothing is made, a service of discovery neither.
  const modules = [...app.get(ModulesContainer, { strict: false }).values()];
  const scanner = new MetadataScanner();
  const guards = modules
    .flatMap(({ providers }) => [...providers.values()])
    .map(({ metatype }) => (metatype ? (Reflect.getMetadata(GUARD_FAILS, metatype) as GuardFailures | undefined) : undefined))
    .filter((guard) => guard !== undefined);
  const routes = new Map<string, DeclaredRoute>();
  for (const { metatype } of modules.flatMap(({ controllers }) => [...controllers.values()])) {
    const controller = metatype as Type<object>;
    const prototype = controller.prototype as Record<string, object>;
    for (const name of scanner.getAllMethodNames(prototype)) {
      const handler = prototype[name] as object;
      if (Reflect.hasMetadata(PATH_METADATA, handler)) routes.set(operationId(controller.name, name), new DeclaredRoute(controller, handler, guards));
    }
  }
  return routes;
}
