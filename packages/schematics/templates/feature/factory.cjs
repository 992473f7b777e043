const { capital } = require('../../lib/names.cjs');

/** Bodies that tests make rows of. */
module.exports = (/** @type {any} */ { Class, aTitle, titles, one, route, owned, fields }) => {
  const refs = fields.filter(({ ref }) => ref);
  const ownRefs = refs.filter(({ ref }) => ref.Class !== 'User');
  const body = fields.filter(({ ref }) => !ref).map(({ name, sample }) => `${name}: ${JSON.stringify(sample)}`);
  return `import { type TestUser } from '../support/factories';
import { type Service } from '../support/service';

/** ${capital(aTitle)} as calls send it${refs.length ? `, without what it refers to` : ''}. */
export const BODY = { ${body.join(', ')} };

/** What ${aTitle} refers to, of ${owned ? 'the user' : 'anybody'}. */
export ${ownRefs.length ? 'async ' : ''}function referencesOf(${ownRefs.length ? 'service' : '_service'}: Service, ${refs.length ? 'user' : '_user'}: TestUser): Promise<Record<string, number>> {
${ownRefs.map(({ name, ref }) => `  const ${name} = await rowOf(service, '${ref.table}', user.id);`).join('\n')}
  return ${ownRefs.length ? '' : 'Promise.resolve('}{ ${refs.map(({ name, ref }) => (ref.Class === 'User' ? `${name}: user.id` : name)).join(', ')} }${ownRefs.length ? '' : ')'};
}

/** Makes ${aTitle} over HTTP. */
export async function make${Class}(service: Service, user: TestUser, body: object = {}): Promise<Record<string, unknown> & { id: number }> {
  const ${one} = { ...BODY, ...(await referencesOf(service, user)), ...body };
  const answer = await service.as(user).post('/${route}').send(${one}).expect(201);
  return answer.body as Record<string, unknown> & { id: number };
}
${
  ownRefs.length
    ? `
/** A row of a table that ${titles} refer to: of columns that must have a value, each with one of its kind. */
async function rowOf({ sql }: Service, table: string, userId: number): Promise<number> {
  const columns = await sql<{ name: string; type: string; checks: string[] }>(
    \`SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type,
       ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype IN ('c', 'f') AND a.attnum = ANY (k.conkey)) AS checks
     FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''\`,
    [table],
  );
  const values = await Promise.all(columns.map(({ name, type, checks }) => valueOf(name, type, checks.join(' '))));
  const [row] = await sql<{ id: number }>(
    \`INSERT INTO \${table} (\${columns.map(({ name }) => name).join(', ')}) VALUES (\${columns.map((_, i) => \`$\${i + 1}\`).join(', ')}) RETURNING id\`,
    values,
  );
  return row.id;

  function valueOf(name: string, type: string, checks: string): unknown {
    const other = /FOREIGN KEY .* REFERENCES (\\w+)/.exec(checks)?.[1];
    if (name === 'user_id' || other === 'users') return userId;
    if (other !== undefined) return rowOf({ sql } as Service, other, userId);
    const stated = /'([^']*)'/.exec(checks)?.[1] ?? />=? \\(?(-?[\\d.]+)/.exec(checks)?.[1];
    const kinds: Record<string, unknown> = { boolean: true, date: '2030-01-31', jsonb: {}, uuid: '5f0c4a52-6f5c-4d0b-9a8e-3f6a1b2c4d5e' };
    if (type.startsWith('timestamp')) return '2030-01-31T12:00:00Z';
    if (/^(integer|double|bigint|smallint|numeric)/.test(type)) return stated ?? 1;
    return kinds[type] ?? (stated === undefined || /^\\d+$/.test(stated) ? \`\${'x'.repeat(Number(stated ?? 4))}\` : stated);
  }
}
`
    : ''
}`;
};
