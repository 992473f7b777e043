import { Injectable, type OnModuleInit } from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { ACCESS, type Access } from '../common/access.decorators';

/** Refuses to boot while a route does not declare who may call it. */
@Injectable()
export class AccessCheck implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  onModuleInit(): void {
    const silent = this.discovery.getControllers().flatMap(({ metatype }) => {
      const prototype = (metatype as { prototype?: Record<string, object> } | null)?.prototype;
      if (!prototype) return [];
      return this.scanner
        .getAllMethodNames(prototype)
        .filter((name) => Reflect.hasMetadata(PATH_METADATA, prototype[name] as object))
        .filter((name) => !declaresCaller(Reflect.getMetadata(ACCESS, prototype[name] as object) as Access | undefined))
        .map((name) => `${(metatype as { name: string }).name}.${name}`);
    });
    if (silent.length > 0) {
      throw new Error(`Declare who may call ${silent.join(', ')}: @Public(), @Scopes(), @AccountOwner(), @OperatorsOnly() or @AdminOnly().`);
    }
  }
}

/** By whom a route acts for others is not yet who may call it. */
function declaresCaller({ public: open, adminOnly, accountOwner, scopes }: Access = {}): boolean {
  return Boolean(open ?? adminOnly ?? accountOwner ?? scopes);
}
