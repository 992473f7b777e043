import { Calls } from '../calls.mjs';

/** Floods by `calls` connections that send what `next` makes until the signal. */
function flood(connections, begin) {
  return async (stage, signal) => {
    const calls = new Calls(stage, connections);
    signal.addEventListener('abort', () => (calls.stopped = true), { once: true });
    await calls.flood(await begin(stage, calls));
    await calls.stop();
    return `answers ${JSON.stringify(calls.statuses)}`;
  };
}

const batch = (count) => JSON.stringify({ items: Array.from({ length: count }, () => ({ type: 'flood', payload: {} })) });
const login = async (calls, body) => JSON.parse((await calls.send({ method: 'POST', path: '/v1/auth/login', body })).text);

/** A new account of the hostile caller's own, and a session of it. */
async function session(calls) {
  const email = `hostile-${Date.now()}@example.com`;
  const credentials = JSON.stringify({ email, password: 'correct horse battery' });
  await calls.send({ method: 'POST', path: '/v1/auth/register', body: credentials });
  return { email, credentials, ...(await login(calls, credentials)) };
}

/** An address of a stranger, as a client would forge it. */
const spread = (n) => `203.0.113.${n % 250}`;

export const FLOODS = {
  'a hundred batches of a user with nothing left': flood(100, ({ exhausted: { key } }) => {
    const body = batch(100);
    return () => ({ method: 'POST', path: '/v1/requests/batch', key, body });
  }),

  'a flood of submits of one user': flood(64, ({ hostile: [{ key }] }) => {
    return () => ({ method: 'POST', path: '/v1/requests', key, body: '{"type":"flood","payload":{}}' });
  }),

  'wrong passwords at every place that takes one': flood(64, async (_, calls) => {
    const { email, accessToken } = await session(calls);
    const wrong = { currentPassword: 'not it, sorry', newPassword: 'another horse battery' };
    const places = [
      (n) => ({ method: 'POST', path: '/v1/auth/login', body: JSON.stringify({ email: `nobody-${n}@example.com`, password: 'not it, sorry' }) }),
      () => ({ method: 'PUT', path: '/v1/users/me/password', key: accessToken, body: JSON.stringify(wrong) }),
      () => ({ method: 'PATCH', path: '/v1/users/me', key: accessToken, body: JSON.stringify({ email: 'x@example.com', currentPassword: 'not it, sorry' }) }),
      (n) => ({ method: 'POST', path: '/v1/auth/login', body: JSON.stringify({ email, password: `not it ${n}` }), headers: { 'x-forwarded-for': spread(n) } }),
    ];
    return (n) => places[n % places.length](n);
  }),

  'writes that cost nothing': flood(32, async (_, calls) => {
    const { accessToken: key } = await session(calls);
    const name = 'x'.repeat(50);
    const writes = [
      (n) => ({ method: 'POST', path: '/v1/users/me/api-keys', key, body: JSON.stringify({ name: `${name}${n}`, scopes: ['requests:read'] }) }),
      (n) => ({ method: 'PATCH', path: '/v1/users/me', key, body: JSON.stringify({ timeZone: n % 2 ? 'Etc/UTC' : 'Europe/Berlin' }) }),
      (n) => ({
        method: 'PUT',
        path: '/v1/users/me/configurations/quota.timeZone',
        key,
        body: JSON.stringify({ value: 'x'.repeat(30_000) }),
        headers: { 'if-match': `"${n}"` },
      }),
      (n) => ({ method: 'POST', path: '/v1/requests', key, body: '{"type":"keyed","payload":{}}', headers: { 'idempotency-key': `k-${n}` } }),
    ];
    return (n) => writes[n % writes.length](n);
  }),

  'refreshes and logouts of few sessions at once': flood(32, async (_, calls) => {
    const { credentials, refreshToken } = await session(calls);
    const tokens = [refreshToken];
    for (let i = 0; i < 2; i++) tokens.push((await login(calls, credentials)).refreshToken);
    return (n) => ({ method: 'POST', path: n % 3 === 0 ? '/v1/auth/logout' : '/v1/auth/refresh', body: JSON.stringify({ refreshToken: tokens[n % 3] }) });
  }),

  'workers that claim what is not there': flood(64, ({ serviceKey: { key } }) => {
    return () => ({ method: 'POST', path: '/v1/requests/claim', key, body: '{"types":["nothing-of-the-kind"],"limit":10,"waitSeconds":1}' });
  }),
};
