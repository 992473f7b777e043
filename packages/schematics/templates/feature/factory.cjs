const { capital } = require('../../lib/names.cjs');

/** Bodies that tests make rows of. */
module.exports = (/** @type {any} */ { Class, aTitle, titles, one, route, owned, fields }) => {
  const refs = fields.filter(({ ref }) => ref);
  const ownRefs = refs.filter(({ ref }) => ref.Class !== 'User');
  const uniques = fields.filter(({ unique }) => unique);
  const fresh = uniques.length ? '...fresh(), ' : '';
  const body = fields.filter(({ ref, unique }) => !ref && !unique).map(({ name, sample }) => `${name}: ${JSON.stringify(sample)}`);
  return `import { type TestUser } from '../support/factories';
import { type Service } from '../support/service';

/** ${capital(aTitle)} as calls send it${refs.length ? `, without what it refers to` : ''}${uniques.length ? ', but for what is unique' : ''}. */
export const BODY = { ${body.join(', ')} };
${
  uniques.length
    ? `
let made = 0;

/** Values that no other call has had. */
export function fresh() {
  const n = ++made;
  return { ${uniques.map(({ name, fresh: code }) => `${name}: ${code}`).join(', ')} };
}
`
    : ''
}
/** What ${aTitle} refers to, of ${owned ? 'the user' : 'anybody'}. */
export ${ownRefs.length ? 'async ' : ''}function referencesOf(${ownRefs.length ? 'service' : '_service'}: Service, ${refs.length ? 'user' : '_user'}: TestUser): Promise<Record<string, number>> {
${ownRefs.map(({ name, ref }) => `  const ${name} = await rowOf(service, '${ref.table}', user.id);`).join('\n')}
  return ${ownRefs.length ? '' : 'Promise.resolve('}{ ${refs.map(({ name, ref }) => (ref.Class === 'User' ? `${name}: user.id` : name)).join(', ')} }${ownRefs.length ? '' : ')'};
}

/** Makes ${aTitle} over HTTP. */
export async function make${Class}(service: Service, user: TestUser, body: object = {}): Promise<Record<string, unknown> & { id: number }> {
  const ${one} = { ...BODY, ${fresh}...(await referencesOf(service, user)), ...body };
  const answer = await service.as(user).post('/${route}').send(${one}).expect(201);
  return answer.body as Record<string, unknown> & { id: number };
}
${
  ownRefs.length
    ? `
let rows = 0;
/** What checks of a table ask for beyond its columns that must have a value. */
const BESIDES: Record<string, Record<string, unknown>> = { subscription_tiers: { daily_quota: 5 } };

/** A row of a table that ${titles} refer to: of columns that must have a value, each with one of its kind, and its own where it is unique. */
async function rowOf({ sql }: Service, table: string, userId: number): Promise<number> {
  const columns = await sql<{ name: string; type: string; checks: string[]; unique: boolean }>(
    \`SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type,
       ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype IN ('c', 'f') AND a.attnum = ANY (k.conkey)) AS checks,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY (i.indkey)) AS unique
     FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''\`,
    [table],
  );
  const values = await Promise.all(columns.map(({ name, type, checks, unique }) => valueOf(name, type, checks.join(' '), unique ? ++rows : 0)));
  const row: Record<string, unknown> = { ...Object.fromEntries(columns.map(({ name }, i) => [name, values[i]])), ...BESIDES[table] };
  const names = Object.keys(row);
  const [made] = await sql<{ id: number }>(
    \`INSERT INTO \${table} (\${names.join(', ')}) VALUES (\${names.map((_, i) => \`$\${i + 1}\`).join(', ')}) RETURNING id\`,
    Object.values(row),
  );
  return made.id;

  /** @param n tells it from others, above 0 */
  function valueOf(name: string, type: string, checks: string, n: number): unknown {
    const other = /FOREIGN KEY .* REFERENCES (\\w+)/.exec(checks)?.[1];
    if (name === 'user_id' || other === 'users') return userId;
    if (other !== undefined) return rowOf({ sql } as Service, other, userId);
    const stated = /'([^']*)'/.exec(checks)?.[1] ?? />=? \\(?(-?[\\d.]+)/.exec(checks)?.[1];
    const at = new Date(Date.UTC(2030, 0, 31 + n, 12)).toISOString();
    const kinds: Record<string, unknown> = { boolean: true, date: at.slice(0, 10), jsonb: {}, uuid: \`5f0c4a52-6f5c-4d0b-9a8e-\${String(n).padStart(12, '0')}\`, bytea: Buffer.from(String(n).padStart(32, '0')) };
    if (type.endsWith('[]')) return stated === undefined ? ['*'] : [stated];
    if (type.startsWith('timestamp')) return at;
    if (/^(integer|double|bigint|smallint|numeric)/.test(type)) return Number(stated ?? 1) + n;
    if (n > 0 && !(type in kinds)) return n.toString(36).padStart(/^\\d+$/.test(stated ?? '') ? Number(stated) : 1, '0');
    return kinds[type] ?? (stated === undefined || /^\\d+$/.test(stated) ? \`\${'x'.repeat(Number(stated ?? 4))}\` : stated);
  }
}
`
    : ''
}`;
};
