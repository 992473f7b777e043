import { setTimeout as delay } from 'node:timers/promises';
import { Calls } from '../calls.mjs';
import { Sockets, wire } from '../sockets.mjs';

const counted = ({ statuses }) => JSON.stringify(statuses);

/** Connections held open by `attack` until the signal, and what was answered on them. */
function held(attack) {
  return async (stage, signal) => {
    const sockets = new Sockets(stage.port);
    await attack(sockets, stage, signal);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    const open = sockets.open.size;
    sockets.close();
    return `${open} open at the end, answers ${counted(sockets)}`;
  };
}

const SLOW = 'POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 200000\r\n\r\n{"email":"';

export const SOCKET_CALLERS = {
  'bodies that trickle in': held(async (sockets, _, signal) => {
    for (let i = 0; i < 200; i++) await sockets.connect((socket) => socket.write(SLOW), { again: true });
    const timer = setInterval(() => sockets.open.forEach((socket) => socket.write('a')), 500);
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  }),

  'half-open sockets': held(async (sockets) => {
    for (let i = 0; i < 500; i++) await sockets.connect((socket) => socket.write(i % 2 ? 'GET /v1/req' : 'GET /v1/tiers HTTP/1.1\r\nHo'), { again: true });
  }),

  'pipelined requests whose answers nobody reads': held(async (sockets) => {
    const paths = ['/openapi.json', '/docs/', '/metrics', '/v1/tiers'];
    for (let i = 0; i < 20; i++) {
      await sockets.connect((socket) => socket.write(wire('GET', paths[i % paths.length]).repeat(3_000)), { reads: false });
    }
  }),

  'pipelined streams that are cut off': async (stage, signal) => {
    const calls = new Calls(stage, 8);
    const { key } = stage.hostile[1];
    const sockets = new Sockets(stage.port);
    let rounds = 0;
    while (!signal.aborted) {
      const ids = await Promise.all([0, 1].map(() => submit(calls, key)));
      const streams = ids.map((id) => wire('GET', `/v1/requests/${id}/events`, { key })).join('');
      await sockets.connect((socket) => socket.write(streams));
      await delay(30);
      await calls.send({ method: 'POST', path: `/v1/requests/${ids[1]}/cancel`, key, body: '{}' });
      if (++rounds % 3 === 0) sockets.open.forEach((socket) => socket.resetAndDestroy());
    }
    sockets.close();
    await calls.stop();
    return `${rounds} pairs of streams, answers ${counted(calls)}`;
  },

  'thousands of idle streams': async (stage, signal) => {
    const calls = new Calls(stage, 20);
    const sockets = new Sockets(stage.port);
    // Of many users, and of one who takes more than is his.
    for (const [i, { key }] of stage.hostile.slice(2).entries()) {
      const id = await submit(calls, key);
      for (let n = 0; n < (i === 0 ? 500 : 90); n++) {
        if (signal.aborted) break;
        await sockets.connect((socket) => socket.write(wire('GET', `/v1/requests/${id}/events`, { key })));
        if (n % 25 === 0) await delay(5);
      }
    }
    while (!signal.aborted) await delay(50);
    const open = sockets.open.size;
    sockets.close();
    await calls.stop();
    return `${open} open at the end, answers ${counted(sockets)}`;
  },
};

async function submit(calls, key) {
  const { text } = await calls.send({ method: 'POST', path: '/v1/requests', key, body: '{"type":"followed","payload":{}}' });
  return JSON.parse(text).id;
}
