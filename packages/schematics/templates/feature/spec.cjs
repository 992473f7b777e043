/** The guarantees of a feature over HTTP, on real PostgreSQL. */
module.exports = (/** @type {any} */ feature) => {
  const { Class, plural, one, titles, table, route, many, owned, metered, cost, fields } = feature;
  const refs = fields.filter(({ ref }) => ref);
  const changed = fields.find(({ ref, unique }) => !ref && !unique);
  const uniques = fields.filter(({ unique }) => unique);
  const fresh = uniques.length ? '...fresh(), ' : '';
  const required = fields.filter((field) => field.required && !field.ref);
  const standard = fields.filter((field) => field.default !== undefined);
  const json = JSON.stringify;
  const quota = 100_000;
  const patch = changed ? `{ ${changed.name}: ${json(changed.other)} }` : '{}';
  const keyName = `${many}.${owned ? 'maxPerUser' : 'max'}`;
  const bad = fields.flatMap(({ name, bad: values, nullable }) =>
    [...values, ...(nullable ? [] : ['null'])].map((value) => `[${json(name)}, ${json(value)}, ${value}]`),
  );
  const clears = fields.filter(({ nullable }) => nullable);
  const refBlock = refs.length
    ? `
  it('refers to nothing that is not there${owned && refs.some(({ ref }) => ref.owned) ? ', or is somebody else’s' : ''}, and goes with what it refers to', async () => {
    const ${one} = await make${Class}(service, writer);
    const others = await referencesOf(service, stranger);
    for (const name of Object.keys(others)) {
      const missing = await service.as(writer).post(PATH).send({ ...(await body(writer)), [name]: 2_147_483_647 }).expect(400);
      expect(missing.body.errors).toMatchObject([{ pointer: \`#/\${name}\`, code: 'unknown-reference' }]);
      await service.as(writer).patch(\`\${PATH}/\${${one}.id}\`).send({ [name]: 2_147_483_647 }).expect(400);
${owned && refs.some(({ ref }) => ref.owned) ? `      if (OWNED.includes(name)) await service.as(writer).post(PATH).send({ ...(await body(writer)), [name]: others[name] }).expect(400);\n` : ''}    }
${
  refs.some(({ ref }) => ref.Class !== 'User')
    ? refs
        .filter(({ ref }) => ref.Class !== 'User')
        .slice(0, 1)
        .map(
          ({ name, ref }) =>
            `    await service.sql('DELETE FROM ${ref.table} WHERE id = $1', [${one}.${name}]);\n    await service.as(writer).get(\`\${PATH}/\${${one}.id}\`).expect(404);`,
        )
        .join('\n')
    : ''
}
  });
`
    : '';
  return `import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { writeKey } from '../support/settings';
import { BODY, ${uniques.length ? 'fresh, ' : ''}make${Class}, referencesOf } from './${plural}';

const PATH = '/${route}';
${owned && refs.some(({ ref }) => ref.owned) ? `/** Fields that refer to what users own. */\nconst OWNED = ${json(refs.filter(({ ref }) => ref.owned).map(({ name }) => name))};\n` : ''}
describe('${titles}', () => {
  let service: Service;
  let admin: TestUser;
  let writer: TestUser;
  let stranger: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
    writer = ${owned ? `await makeUser(service, { dailyQuota: ${quota} })` : 'admin'};
    stranger = await makeUser(service);
  });
  afterAll(() => service.close());

  const count = async (user: TestUser) => {
    const [row] = await service.sql<{ n: number }>('SELECT count(*)::integer AS n FROM ${table}${owned ? ' WHERE user_id = $1' : ' WHERE $1 > 0'}', [user.id]);
    return row.n;
  };
  const body = async (user: TestUser) => ({ ...BODY, ${fresh}...(await referencesOf(service, user)) });

  it('are made, read, changed and deleted', async () => {
    const sent = await body(writer);
    const made = await service.as(writer).post(PATH).send(sent).expect(201);
    expect(made.body).toMatchObject(sent);
    expect(made.headers.location).toBe(\`\${PATH}/\${made.body.id}\`);
    const read = await service.as(writer).get(made.headers.location).expect(200);
    expect(read.body).toEqual(made.body);
    expect(read.headers.etag).toBe(made.headers.etag);
    const changed = await service.as(writer).patch(made.headers.location).send(${patch}).expect(200);
    expect(changed.body).toMatchObject(${patch});
    expect(changed.body.createdAt).toBe(made.body.createdAt);
    await service.as(writer).delete(made.headers.location).expect(204);
    await service.as(writer).get(made.headers.location).expect(404);
    await service.as(writer).delete(made.headers.location).expect(404);
    await service.as(writer).patch(made.headers.location).send({}).expect(404);
  });
${
  required.length
    ? `
  it('need ${required.length === 1 ? 'a value' : 'values'}: ${required.map(({ name }) => name).join(', ')}', async () => {
    const { body: refusal } = await service.as(writer).post(PATH).send({}).expect(400);
    const missing = (refusal.errors as { pointer: string; detail: string }[]).filter(({ detail }) => detail === 'is missing').map(({ pointer }) => pointer);
    expect(missing.sort()).toEqual(${json(
      fields
        .filter((field) => field.required)
        .map(({ name }) => `#/${name}`)
        .sort(),
    )});
  });
`
    : ''
}${
    standard.length
      ? `
  it('have defaults', async () => {
    const ${one} = await make${Class}(service, writer, { ${standard.map(({ name }) => `${name}: undefined`).join(', ')} });
    expect(${one}).toMatchObject({ ${standard.map((field) => `${field.name}: ${json(field.default)}`).join(', ')} });
  });
`
      : ''
  }${
    clears.length
      ? `
  it('lose by null what they may be without', async () => {
    const { id } = await make${Class}(service, writer);
    const nothing = { ${clears.map(({ name }) => `${name}: null`).join(', ')} };
    expect((await service.as(writer).patch(\`\${PATH}/\${id}\`).send(nothing).expect(200)).body).toMatchObject(nothing);
    expect(await make${Class}(service, writer, nothing)).toMatchObject(nothing);
  });
`
      : ''
  }
  it.each<[string, string, unknown]>([${bad.join(', ')}])('refuse %s that is %s by name, made or changed', async (name, _, value) => {
    const { id } = await make${Class}(service, writer);
    const made = await service.as(writer).post(PATH).send({ ...(await body(writer)), [name]: value }).expect(400);
    const changed = await service.as(writer).patch(\`\${PATH}/\${id}\`).send({ [name]: value }).expect(400);
    for (const refusal of [made, changed]) expect(refusal.body).toMatchObject({ code: 'validation-failed', errors: [{ pointer: \`#/\${name}\` }] });
  });

  it('refuse a field that there is not, and an id that is none', async () => {
    const refused = await service.as(writer).post(PATH).send({ ...(await body(writer)), unknownField: 1 }).expect(400);
    expect(refused.body.errors).toMatchObject([{ pointer: '#/unknownField', code: 'unknown-field' }]);
    for (const id of ['0', '-1', '1.5', 'none', '2147483648']) await service.as(writer).get(\`\${PATH}/\${id}\`).expect(404);
  });

  it('come in pages, newest first, each once', async () => {
    const user = ${owned ? `await makeUser(service, { dailyQuota: ${quota} })` : 'writer'};
    const ids: number[] = [];
    for (let i = 0; i < 5; i++) ids.push((await make${Class}(service, user)).id);
    const seen: number[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await service.as(user).get(\`\${PATH}?limit=2\${cursor && \`&cursor=\${cursor}\`}\`).expect(200);
      seen.push(...(page.body.items as { id: number }[]).map(({ id }) => id));
      cursor = page.body.nextCursor as string | null;
    }
    expect(seen${owned ? '' : '.slice(0, 5)'}).toEqual(ids.reverse());
    expect(new Set(seen).size).toBe(seen.length);
  });
${
  owned
    ? `
  it('are nobody else’s: a stranger is answered as if there were none, an administrator reaches all', async () => {
    const { id } = await make${Class}(service, writer);
    await service.as(stranger).get(\`\${PATH}/\${id}\`).expect(404);
    await service.as(stranger).patch(\`\${PATH}/\${id}\`).send(${patch}).expect(404);
    await service.as(stranger).delete(\`\${PATH}/\${id}\`).expect(404);
    expect((await service.as(stranger).get(PATH).expect(200)).body).toEqual({ items: [], nextCursor: null });
    expect((await service.as(admin).get(\`\${PATH}/\${id}\`).expect(200)).body).toMatchObject({ id, userId: writer.id });
  });

  it('are for keys that may', async () => {
    const reader = await makeUser(service, { scopes: ['requests:read'] });
    await service.as(reader).get(PATH).expect(200);
    await service.as(reader).post(PATH).send(await body(reader)).expect(403);
    await service.as().get(PATH).expect(401);
  });

  it('go with the account', async () => {
    const user = await makeUser(service, { dailyQuota: ${quota} });
    await make${Class}(service, user);
    await service.as(admin).delete(\`/v1/users/\${user.id}\`).expect(204);
    expect(await count(user)).toBe(0);
  });
`
    : `
  it('are read by everybody, and written by administrators', async () => {
    const { id } = await make${Class}(service, writer);
    await service.as(stranger).get(\`\${PATH}/\${id}\`).expect(200);
    await service.as(stranger).post(PATH).send(await body(writer)).expect(403);
    await service.as(stranger).patch(\`\${PATH}/\${id}\`).send(${patch}).expect(403);
    await service.as(stranger).delete(\`\${PATH}/\${id}\`).expect(403);
    await service.as().get(PATH).expect(401);
  });
`
}${refBlock}
${
  uniques.length
    ? `
  it.each(${json(uniques.map(({ name }) => name))} as const)('never have the same %s twice, made, changed or at once on two replicas${owned ? '; another user may' : ''}', async (name) => {
    const first = await make${Class}(service, writer);
    const sent = { ...(await body(writer)), [name]: first[name] };
    const made = await service.as(writer).post(PATH).send(sent).expect(409);
    const { id } = await make${Class}(service, writer);
    const changed = await service.as(writer).patch(\`\${PATH}/\${id}\`).send({ [name]: first[name] }).expect(409);
    for (const refusal of [made, changed]) expect(refusal.body).toMatchObject({ code: 'value-taken', errors: [{ pointer: \`#/\${name}\` }] });
    await service.as(writer).patch(\`\${PATH}/\${first.id}\`).send({ [name]: first[name] }).expect(200);
    const next = await body(writer);
    const post = (replica: number) => service.replicas[replica].as(writer).post(PATH).send(next);
    const answers = await Promise.all([0, 1, 0, 1].map(post));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
${
  owned
    ? `    const user = await makeUser(service, { dailyQuota: ${quota} });
    await service.as(user).post(PATH).send({ ...(await body(user)), [name]: first[name] }).expect(201);
`
    : ''
}  });
`
    : ''
}
  it('are made once under an Idempotency-Key, on two replicas at once', async () => {
    const before = await count(writer);
    const sent = await body(writer);
    const post = (replica: number, what: object) => service.replicas[replica].as(writer).post(PATH).set('idempotency-key', 'made-once').send(what);
    const answers = await Promise.all([0, 1, 0, 1].map((replica) => post(replica, sent).expect(201)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(new Set(answers.map(({ headers }) => \`\${headers.location} \${headers.etag}\`)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true')).toHaveLength(3);
    expect((await count(writer)) - before).toBe(1);
${changed || uniques.length ? `    const other = await post(0, { ...sent, ${changed ? `...${patch}` : '...fresh()'} }).expect(422);\n    expect(other.body.code).toBe('idempotency-key-reused');\n` : ''}  });

  it('are not changed by whoever saw an earlier version', async () => {
    const { id } = await make${Class}(service, writer);
    const { headers } = await service.as(writer).get(\`\${PATH}/\${id}\`).expect(200);
    await service.as(writer).patch(\`\${PATH}/\${id}\`).set('if-match', headers.etag).send(${patch}).expect(200);
    await service.as(writer).patch(\`\${PATH}/\${id}\`).set('if-match', headers.etag).send({}).expect(412);
    await service.as(writer).delete(\`\${PATH}/\${id}\`).set('if-match', headers.etag).expect(412);
    await service.as(writer).get(\`\${PATH}/\${id}\`).set('if-none-match', headers.etag).expect(200);
  });

  it('are no more than the setting ${keyName} allows, however many come at once', async () => {
    const user = ${owned ? `await makeUser(service, { dailyQuota: ${quota} })` : 'writer'};
    const sent = await body(user);
    const max = ${owned ? '3' : '(await count(user)) + 3'};
    await writeKey(service, admin, '${keyName}', { value: max });
    const statuses = await Promise.all(Array.from({ length: 8 }, () => service.as(user).post(PATH).send(${uniques.length ? '{ ...sent, ...fresh() }' : 'sent'}).then(({ status }) => status)));
    const refused = await service.as(user).post(PATH).send(${uniques.length ? '{ ...sent, ...fresh() }' : 'sent'}).expect(409);
    await writeKey(service, admin, '${keyName}', { value: 1_000 });
    expect(refused.body.code).toBe('limit-reached');
    expect(statuses.sort()).toEqual([201, 201, 201, 409, 409, 409, 409, 409]);
    expect(await count(user)).toBe(max);
  });
${
  metered
    ? `
  it('cost ${cost}: charged once with the row, and neither when the quota is used up', async () => {
    const user = await makeUser(service, { dailyQuota: ${cost} });
    const sent = await body(user);
    await service.as(user).post(PATH).send({ ...sent, unknownField: 1 }).expect(400);
    const made = await service.as(user).post(PATH).set('idempotency-key', 'paid').send(sent).expect(201);
    expect(made.headers.ratelimit).toMatch(/^"daily";r=0;t=\\d+$/);
    const again = await service.as(user).post(PATH).set('idempotency-key', 'paid').send(sent).expect(201);
    expect(again.text).toBe(made.text);
    const refused = await service.as(user).post(PATH).send(${uniques.length ? '{ ...sent, ...fresh() }' : 'sent'}).expect(429);
    expect(refused.body).toMatchObject({ code: 'quota-exceeded', used: ${cost}, requested: ${cost} });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(await count(user)).toBe(1);
    const charges = await service.sql('SELECT type, status, cost FROM requests WHERE user_id = $1', [user.id]);
    expect(charges).toEqual([{ type: '${plural}.create', status: 'succeeded', cost: ${cost} }]);
  });
`
    : ''
}});
`;
};
