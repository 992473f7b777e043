import { ApiProperty } from '@nestjs/swagger';

const DEEP = 'quotidian:deep-object';

/** A parameter of a query that is written member by member, `name[member]=value`, as OpenAPI's style `deepObject` has it. All values are texts. */
export const DeepObject =
  (description: string, example: string): PropertyDecorator =>
  (target, name) => {
    Reflect.defineMetadata(DEEP, [...deepObjectsOf(target), String(name)], target);
    const options = { name: String(name), style: 'deepObject', explode: true, type: 'object', additionalProperties: { type: 'string' }, required: false };
    ApiProperty({ ...options, description: `${description} Written as \`${example}\`.` } as never)(target, name);
  };

function deepObjectsOf(prototype: object): string[] {
  return (Reflect.getMetadata(DEEP, prototype) ?? []) as string[];
}

/** The query with `name[member]` folded into objects, of the parameters that are declared so. One pass; no name is inherited. */
export function foldDeepObjects(dto: new () => object, query: object): object {
  const names = deepObjectsOf(dto.prototype as object);
  if (names.length === 0) return query;
  const folded = new Map<string, unknown>();
  const members = new Map<string, Map<string, unknown>>();
  for (const [key, value] of Object.entries(query)) {
    const [, name = '', member = ''] = /^([^[\]]+)\[([^[\]]+)\]$/s.exec(key) ?? [];
    if (!names.includes(name)) folded.set(key, value);
    else members.set(name, (members.get(name) ?? new Map<string, unknown>()).set(member, value));
  }
  for (const [name, found] of members) folded.set(name, Object.fromEntries(found));
  return Object.fromEntries(folded);
}
