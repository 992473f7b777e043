import { randomUUID } from 'node:crypto';
import { request } from 'undici';
import { ms, row } from '../support/report.mjs';
import { onDatabase } from '../support/stage.mjs';

const TIMED = 1_000;
const FLOOD = 1_500;
const PASSWORD = 'correct horse battery';
const EVERY_CALL_ITS_OWN = { TRUST_PROXY: '1' };

const addressOf = (n) => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;

async function logIn(service, { from, email, password = 'not the password' }) {
  const startedAt = performance.now();
  const { statusCode, body } = await request(`${service.url}/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
    body: JSON.stringify({ email, password }),
  });
  const answer = /** @type {{ accessToken?: string }} */ (await body.json());
  return { statusCode, tookMs: performance.now() - startedAt, answer };
}

/** The chance that a call of the one kind took longer than one of the other: 0.5 when nothing tells them apart. */
function areaUnderCurve(one, other) {
  const ranked = [...one.map((tookMs) => ({ tookMs, mine: true })), ...other.map((tookMs) => ({ tookMs, mine: false }))].sort((a, b) => a.tookMs - b.tookMs);
  const ranks = ranked.reduce((sum, { mine }, i) => sum + (mine ? i + 1 : 0), 0);
  return (ranks - (one.length * (one.length + 1)) / 2) / (one.length * other.length);
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Whether the time of a refused login tells if its address has an account: one after the other, each from a network of its own, by turns. */
export function loginTiming(stage) {
  return onDatabase(stage, [(db) => stage.service(db, EVERY_CALL_ITS_OWN)], async (database, service) => {
    const accounts = await stage.server.query(`SELECT email FROM users ORDER BY random() LIMIT ${TIMED}`, [], database);
    const took = { there: [], nobody: [] };
    for (const [i, { email }] of accounts.entries()) {
      const stranger = `${randomUUID().slice(0, email.indexOf('@'))}@example.com`.padStart(email.length, 'x');
      const calls = [
        ['there', email],
        ['nobody', stranger],
      ];
      if (Math.random() < 0.5) calls.reverse();
      for (const [j, [kind, address]] of calls.entries()) {
        const { statusCode, tookMs } = await logIn(service, { from: addressOf(2 * i + j), email: address });
        if (statusCode !== 401) throw new Error(`a login was answered ${statusCode}`);
        took[kind].push(tookMs);
      }
    }
    const auc = areaUnderCurve(took.there, took.nobody);
    const figure = `median ${ms(median(took.there))} with an account, ${ms(median(took.nobody))} without, AUC ${auc.toFixed(3)}`;
    return [row({ bench: 'login-timing', figure, baseline: `2 × ${TIMED} logins`, ratio: Math.max(auc, 1 - auc), atMost: 0.55 })];
  });
}

/** A login of somebody else beside what strangers and one session do to the hashing, against calm. */
export function loginBeside(stage) {
  return onDatabase(stage, [(db) => stage.service(db, EVERY_CALL_ITS_OWN)], async (database, service) => {
    const [{ email: owner }, { email: other }] = await stage.server.query('SELECT email FROM users ORDER BY id LIMIT 2', [], database);
    const login = (i) => logIn(service, { from: addressOf(i), email: owner, password: PASSWORD });
    const measure = async (base, until) => {
      const took = [];
      for (let i = 0; took.length < 40 && !until(took); i++) {
        const { statusCode, tookMs } = await login(base + i);
        if (statusCode !== 200) throw new Error(`the owner was answered ${statusCode}`);
        took.push(tookMs);
      }
      return took.sort((a, b) => a - b);
    };
    const calm = await measure(100_000, () => false);
    const { answer } = await logIn(service, { from: addressOf(1), email: other, password: PASSWORD });
    const wrongChange = () =>
      request(`${service.url}/v1/users/me/password`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${answer.accessToken}`, 'x-forwarded-for': addressOf(1) },
        body: JSON.stringify({ currentPassword: 'not the password', newPassword: PASSWORD }),
      }).then(({ body }) => body.dump());
    const floods = {
      'a login flood from one address': (i) => logIn(service, { from: addressOf(2), email: `nobody-${i}@example.com` }),
      'a login flood at one account': (i) => logIn(service, { from: addressOf(200_000 + i), email: 'target@example.com' }),
      'wrong password changes behind one session': wrongChange,
    };
    const rows = [];
    for (const [n, [name, call]] of Object.entries(floods).entries()) {
      let left = FLOOD;
      const flood = Promise.all(
        Array.from({ length: 100 }, async () => {
          while (left-- > 0) await call(left);
        }),
      );
      const beside = await measure(300_000 + n * 1_000, (took) => left <= 0 && took.length >= 1);
      left = 0;
      await flood;
      const figure = `median ${ms(median(beside))}, longest ${ms(beside.at(-1))}`;
      const baseline = `calm ${ms(median(calm))}, longest ${ms(calm.at(-1))}`;
      rows.push(row({ bench: `login beside ${name}`, figure, baseline, ratio: median(beside) / median(calm), atMost: 1.5, unit: '×' }));
    }
    return rows;
  });
}
