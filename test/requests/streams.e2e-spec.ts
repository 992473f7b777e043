import { ListWatch } from '../../src/requests/following/list-watch';
import { StreamPings } from '../../src/requests/following/stream-pings';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type RawConnection, rawConnection } from '../support/raw-connection';
import { type Service, startService } from '../support/service';
import { newType, putSetting, submit } from './work';

describe('event streams', () => {
  let service: Service;
  const open: RawConnection[] = [];
  beforeAll(async () => {
    service = await startService();
  });
  afterEach(() => open.splice(0).forEach(({ socket }) => socket.destroy()));
  afterAll(() => service.close());

  const connection = async () => {
    open.push(await rawConnection(service.url));
    return open.at(-1)!;
  };
  const follow = async (user: TestUser, id: string) => {
    const wire = await connection();
    wire.send('GET', `/v1/requests/${id}/events`, user.key);
    return wire;
  };
  const seen = (wire: RawConnection, what: string) => eventually(() => wire.text().includes(what));
  /** Pings come every 15 s; here twice to every stream at once. */
  const ping = () => {
    for (let i = 0; i < 60; i++) service.app.get(StreamPings)['ping']();
  };
  const count = (wire: RawConnection, what: string) => wire.text().split(what).length - 1;
  const cancel = (user: TestUser, id: string) => service.as(user).post(`/v1/requests/${id}/cancel`).expect(200);

  it('that are pipelined on one connection end one after the other, and the process goes on', async () => {
    const user = await makeUser(service);
    const type = newType();
    const a = await submit(service, user, type);
    const b = await submit(service, user, type);
    const c = await submit(service, user, type);
    const wire = await follow(user, a.id);
    for (const { id } of [b, c]) wire.send('GET', `/v1/requests/${id}/events`, user.key);
    await seen(wire, 'pending');
    await cancel(user, b.id);
    // To B as well, though it has ended.
    ping();
    await seen(wire, '\r\n:\n\n');
    expect(count(wire, 'HTTP/1.1 200')).toBe(1);
    await cancel(user, a.id);
    await seen(wire, `"id":"${b.id}","status":"canceled"`);
    await cancel(user, c.id);
    await seen(wire, `"id":"${c.id}","status":"canceled"`);
    expect(count(wire, 'HTTP/1.1 200')).toBe(3);
    await service.as().get('/health/live').expect(200);
  });

  it('and those behind them are let go with their connection', async () => {
    await putSetting(service, 'requests.maxStreams', 3);
    const user = await makeUser(service);
    const { id } = await submit(service, user, newType());
    const wire = await follow(user, id);
    for (let i = 0; i < 2; i++) wire.send('GET', `/v1/requests/${id}/events`, user.key);
    await seen(wire, 'pending');
    const isFull = async () =>
      (
        await service
          .as(user)
          .get(`/v1/requests/${id}/events`)
          .timeout(500)
          .catch(() => ({ status: 200 }))
      ).status === 429;
    await eventually(isFull);
    wire.socket.destroy();
    await eventually(async () => {
      const next = await follow(user, id);
      await eventually(() => next.text() !== '');
      const is = next.text().startsWith('HTTP/1.1 200');
      next.socket.destroy();
      return is;
    });
    await putSetting(service, 'requests.maxStreams', null);
  });

  it('are bounded for each user, by a setting that is live; others do not feel it', async () => {
    const user = await makeUser(service);
    const other = await makeUser(service);
    const { id } = await submit(service, user, newType());
    const others = await submit(service, other, newType());
    const wires = await Promise.all(Array.from({ length: 100 }, () => follow(user, id)));
    await Promise.all(wires.map((wire) => seen(wire, 'pending')));
    const refused = await service.as(user).get(`/v1/requests/${id}/events`).expect(429);
    expect(refused.body).toMatchObject({ code: 'too-many-streams', status: 429, max: 100, instance: expect.any(String) });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    await seen(await follow(other, others.id), 'pending');
    await putSetting(service, 'requests.maxStreams', 101);
    await seen(await follow(user, id), 'pending');
    await putSetting(service, 'requests.maxStreams', null);
    wires[0].socket.destroy();
    wires[1].socket.destroy();
    await eventually(async () => {
      const next = await follow(user, id);
      await eventually(() => next.text() !== '');
      return next.text().startsWith('HTTP/1.1 200');
    });
  });

  it('answer HEAD at once, without a body', async () => {
    const user = await makeUser(service);
    const { id } = await submit(service, user, newType());
    const { status, headers } = await service.as(user).head(`/v1/requests/${id}/events`).timeout(5_000);
    expect([status, headers['content-type']]).toEqual([200, 'text/event-stream']);
    await cancel(user, id);
    const over = await service.as(user).head(`/v1/requests/${id}/events`).set('last-event-id', '1').timeout(5_000);
    expect(over.status).toBe(204);
    await service
      .as(await makeUser(service))
      .head(`/v1/requests/${id}/events`)
      .timeout(5_000)
      .expect(404);
  });

  it('of a request that was deleted meanwhile end', async () => {
    const user = await makeUser(service);
    const { id } = await submit(service, user, newType());
    const wire = await follow(user, id);
    await seen(wire, 'pending');
    await service.sql('DELETE FROM requests WHERE id = $1', [id]);
    ping();
    await seen(wire, '\r\n0\r\n\r\n');
  });

  it('of a client that closes its half of the connection end', async () => {
    const user = await makeUser(service);
    const { id } = await submit(service, user, newType());
    const wire = await follow(user, id);
    await seen(wire, 'pending');
    wire.socket.end();
    await wire.closed;
    await service.as().get('/health/live').expect(200);
  });

  describe('of a list', () => {
    const CHANGED = 'event: changed';
    const followList = async (user: TestUser, query = '') => {
      const wire = await connection();
      wire.send('GET', `/v1/requests/events${query}`, user.key);
      await seen(wire, CHANGED);
      return wire;
    };

    it('report what is made and what changes of one’s own, to operators of everybody, and of others nothing', async () => {
      const [user, other, admin] = await Promise.all([makeUser(service), makeUser(service), makeAdmin(service)]);
      const wires = await Promise.all([followList(user), followList(admin), followList(admin, `?userId=${user.id}`)]);
      const quiet = await followList(other);
      // Its first look is over: what it has seen by then counts for nothing.
      await eventually(() => service.app.get(ListWatch)['seen'] !== null);
      const reported = async (act: () => Promise<unknown>) => {
        const before = wires.map((wire) => count(wire, CHANGED));
        await act();
        await eventually(() => wires.every((wire, i) => count(wire, CHANGED) > before[i]));
      };
      let id = '';
      await reported(async () => ({ id } = await submit(service, user, newType())));
      const known = count(quiet, CHANGED);
      await reported(() => cancel(user, id));
      await reported(() => submit(service, user, newType()));
      expect(count(quiet, CHANGED)).toBe(known);
      expect(wires.map((wire) => wire.text()).join()).not.toContain(id);
      ping();
      await eventually(() => count(quiet, CHANGED) > known);
    });

    it('are refused for another user, counted with the others, and cost nothing once they are closed', async () => {
      await putSetting(service, 'requests.maxStreams', 1);
      const [user, other] = await Promise.all([makeUser(service), makeUser(service)]);
      await service.as(user).get('/v1/requests/events').query({ userId: other.id }).expect(404);
      await service.as(user).get('/v1/requests/events').query({ userId: 'all' }).expect(400);
      await service.as(user).head('/v1/requests/events').expect(200);
      const wire = await followList(user, `?userId=${user.id}`);
      expect((await service.as(user).get('/v1/requests/events').expect(429)).body.code).toBe('too-many-streams');
      wire.socket.destroy();
      for (const one of open) one.socket.destroy();
      await eventually(() => service.app.get(ListWatch)['timer'] === null);
    });
  });
});
