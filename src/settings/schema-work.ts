import { type JsonSchema } from './setting';

type Schema = Record<string, unknown>;

const AT_THE_SAME_PLACE = {
  lists: ['allOf', 'anyOf', 'oneOf'],
  maps: ['dependentSchemas'],
  schemas: ['not', 'if', 'then', 'else'],
  refs: ['$ref', '$dynamicRef'],
};
const IN_OBJECTS = { named: ['properties'], maps: ['patternProperties'], schemas: ['additionalProperties', 'unevaluatedProperties', 'propertyNames'] };
const IN_ARRAYS = { lists: ['prefixItems'], schemas: ['items', 'unevaluatedItems', 'contains'] };

/** Beyond these a schema is not even counted. */
const COUNTED_MAX = 200_000;
/** References in a row; each is a frame of the stack. */
const WAY_MAX = 500;

/** How often each schema is applied at one place of a value. */
type Applied = Map<Schema, number>;

/**
 * How many schemas are applied, at the worst, along one path of a value that is so deep: what a check costs for each of its
 * members. `$ref` and `allOf` can double it with every level, of the schema or of the value, so that a schema of a kilobyte
 * would take years. Found out level by level, without following each way.
 */
export function stepsPerMember(root: JsonSchema, valueDepth: number): number {
  const finder = new Applications(root);
  if (finder.counted > COUNTED_MAX) return Infinity;
  let steps = new Map<Schema, number>();
  for (let depth = 0; depth <= valueDepth; depth++) {
    const below = steps;
    steps = new Map(finder.all.map((schema) => [schema, finder.steps(schema, below)]));
  }
  return steps.get(root) ?? 0;
}

class Applications {
  /** The root, and all that any place of a value below it can come to. */
  readonly all: Schema[];
  counted = 0;
  private readonly anchors = new Map<unknown, Schema>();
  private readonly applied = new Map<Schema, Applied>();

  constructor(private readonly root: Schema) {
    this.nameAnchors(root);
    const found = new Set([root]);
    for (const schema of found) for (const [one] of this.appliedWith(schema)) for (const child of childrenOf(one)) found.add(child);
    this.all = [...found];
  }

  /** @param below the steps of each schema at the next level of the value; empty below its last */
  steps(schema: Schema, below: ReadonlyMap<Schema, number>): number {
    const byName = new Map<string, number>();
    let here = 0;
    let inEveryMember = 0;
    let inItems = 0;
    for (const [one, times] of this.appliedWith(schema)) {
      here += times;
      const stepsOf = (child: Schema) => times * (below.get(child) ?? 0);
      for (const [name, child] of IN_OBJECTS.named.flatMap((keyword) => entriesOf(one[keyword]))) byName.set(name, (byName.get(name) ?? 0) + stepsOf(child));
      for (const child of [...inMaps(one, IN_OBJECTS.maps), ...inMembers(one, IN_OBJECTS.schemas)]) inEveryMember += stepsOf(child);
      for (const child of [...inLists(one, IN_ARRAYS.lists), ...inMembers(one, IN_ARRAYS.schemas)]) inItems += stepsOf(child);
    }
    const inNamed = [...byName.values()].reduce((a, b) => Math.max(a, b), 0);
    return here + Math.max(inNamed + inEveryMember, inItems);
  }

  /** The schema and what it applies at the same place. One that leads back to itself there is counted once: its check ends with the stack. */
  private appliedWith(schema: Schema, way = 0): Applied {
    const known = this.applied.get(schema);
    if (known !== undefined) return known;
    const applied: Applied = new Map([[schema, 1]]);
    this.applied.set(schema, new Map(applied));
    for (const part of this.partsOf(schema)) {
      if (way > WAY_MAX) this.counted = Infinity;
      if (this.counted > COUNTED_MAX) break;
      for (const [one, times] of this.appliedWith(part, way + 1)) applied.set(one, (applied.get(one) ?? 0) + times);
    }
    this.counted += applied.size;
    this.applied.set(schema, applied);
    return applied;
  }

  private partsOf(schema: Schema): Schema[] {
    const { lists, maps, schemas, refs } = AT_THE_SAME_PLACE;
    const targets = refs.map((keyword) => this.resolve(schema[keyword])).filter(isSchema);
    return [...inLists(schema, lists), ...inMaps(schema, maps), ...inMembers(schema, schemas), ...targets];
  }

  private resolve(ref: unknown): Schema | undefined {
    if (typeof ref !== 'string' || !ref.startsWith('#')) return undefined;
    if (ref !== '#' && !ref.startsWith('#/')) return this.anchors.get(ref.slice(1));
    let target: unknown = this.root;
    for (const part of ref.split('/').slice(1)) target = isSchema(target) || Array.isArray(target) ? (target as Schema)[unescaped(part)] : undefined;
    return isSchema(target) ? target : undefined;
  }

  private nameAnchors(part: unknown): void {
    if (typeof part !== 'object' || part === null) return;
    const { $anchor, $dynamicAnchor } = part as Schema;
    for (const name of [$anchor, $dynamicAnchor]) if (typeof name === 'string') this.anchors.set(name, part as Schema);
    for (const value of Object.values(part)) this.nameAnchors(value);
  }
}

function childrenOf(schema: Schema): Schema[] {
  const { named, maps, schemas } = IN_OBJECTS;
  return [...inMaps(schema, [...named, ...maps]), ...inLists(schema, IN_ARRAYS.lists), ...inMembers(schema, [...schemas, ...IN_ARRAYS.schemas])];
}

function inLists(schema: Schema, keywords: string[]): Schema[] {
  return keywords.flatMap((keyword) => (Array.isArray(schema[keyword]) ? (schema[keyword] as unknown[]).filter(isSchema) : []));
}

function inMaps(schema: Schema, keywords: string[]): Schema[] {
  return keywords.flatMap((keyword) => entriesOf(schema[keyword]).map(([, child]) => child));
}

function inMembers(schema: Schema, keywords: string[]): Schema[] {
  return keywords.map((keyword) => schema[keyword]).filter(isSchema);
}

function entriesOf(map: unknown): [string, Schema][] {
  return isSchema(map) ? Object.entries(map).filter((entry): entry is [string, Schema] => isSchema(entry[1])) : [];
}

function isSchema(part: unknown): part is Schema {
  return typeof part === 'object' && part !== null && !Array.isArray(part);
}

function unescaped(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return part;
  }
}
