import { Calls } from '../calls.mjs';
import { expensiveBodies, operationsWithBody } from '../bodies.mjs';

const filled = (path, ids) => path.replace(/\{(\w+)\}/g, (_, name) => (name === 'userId' ? 'me' : (ids[name] ?? '1')));

/** Bodies that are expensive to check, one after the other, before and after authentication, to every operation that takes one. */
export const BODY_CALLERS = {
  'bodies that are expensive to check': async (stage, signal) => {
    const calls = new Calls(stage, 1);
    const document = JSON.parse((await calls.send({ path: '/openapi.json' })).text);
    const keys = [undefined, stage.hostile[3].key, stage.serviceKey.key];
    const ids = { id: '01890000-0000-7000-8000-000000000000', key: 'own.key', keyId: '1', tierId: '1', changeId: '1' };
    const all = operationsWithBody(document).flatMap((operation) => {
      return [...expensiveBodies(document, operation)].map(([name, body]) => ({ operation, name, body }));
    });
    // In an order that brings every kind soon, whenever the time is over.
    all.sort((a, b) => order(a) - order(b));
    let sent = 0;
    for (const { operation, body } of all) {
      if (signal.aborted) break;
      const { method, path } = operation;
      await calls.send({ method, path: filled(path, ids), key: keys[sent++ % keys.length], body, headers: { 'if-match': '"1"' } });
    }
    await calls.stop();
    return `${sent} of ${all.length} bodies, answers ${JSON.stringify(calls.statuses)}`;
  },
};

function order({ operation, name }) {
  let hash = 0;
  for (const c of `${operation.method} ${operation.path} ${name}`) hash = (Math.imul(hash, 31) + c.charCodeAt(0)) | 0;
  return hash;
}
