import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { eventually } from '../support/eventually';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { claim, loseLease, makeWorker, newType, submit } from './work';

interface Seen {
  id: string;
  status: string;
  attempt: number;
}

describe('following a request', () => {
  let service: Service;
  let worker: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    worker = await makeWorker(service);
  });
  afterAll(() => service.close());

  const act = (id: string, verb: string, body: object = {}, as = worker) => service.as(as).post(`/v1/requests/${id}/${verb}`).send(body);

  /** Reads the stream until it ends, or for as long as the test wants. */
  async function follow(user: TestUser, id: string, headers: Record<string, string> = {}, replica = 0) {
    const options = { headers: { authorization: `Bearer ${user.key}`, ...headers }, agent: false };
    const request = get(`${service.replicas[replica].url}/v1/requests/${id}/events`, options);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const seen: Seen[] = [];
    const over = (async () => {
      let text = '';
      for await (const chunk of response) {
        text += String(chunk);
        const parts = text.split('\n\n');
        text = parts.pop()!;
        for (const part of parts) {
          const [, n, data] = /^id: (\d+)\nevent: status\ndata: (.*)$/.exec(part) ?? [];
          if (n !== undefined) seen.push({ ...JSON.parse(data), id: n });
        }
      }
    })().catch(() => undefined);
    return { response, seen, over, stop: () => request.destroy() };
  }
  const statuses = (seen: Seen[]) => seen.map(({ id, status, attempt }) => `${id} ${status} ${attempt}`);

  it('shows each change as it happens, on another replica too, and ends with the request', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    const stream = await follow(user, id, {}, 1);
    expect(stream.response.headers['content-type']).toBe('text/event-stream');
    await eventually(() => stream.seen.length === 1);
    await claim(service, worker, type);
    await eventually(() => stream.seen.length === 2);
    await act(id, 'complete', { attempt: 1, result: 1 }).expect(200);
    await stream.over;
    expect(statuses(stream.seen)).toEqual(['0 pending 0', '1 processing 1', '2 succeeded 1']);
  });

  it('shows what was missed after the last event, and nothing when all is known', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    await claim(service, worker, type);
    await act(id, 'fail', { attempt: 1, retryable: true }).expect(200);
    await service.sql(`UPDATE requests SET available_at = now() WHERE id = $1`, [id]);
    await claim(service, worker, type);
    await loseLease(service, id);
    await claim(service, worker, type);
    await act(id, 'fail', { attempt: 3, error: 'no' }).expect(200);
    const all = await follow(user, id);
    await all.over;
    expect(statuses(all.seen)).toEqual(['0 pending 0', '1 processing 1', '2 pending 1', '3 processing 2', '4 processing 3', '5 failed 3']);
    const rest = await follow(user, id, { 'last-event-id': '3' });
    await rest.over;
    expect(statuses(rest.seen)).toEqual(['4 processing 3', '5 failed 3']);
    expect((await follow(user, id, { 'last-event-id': '5' })).response.statusCode).toBe(204);
  });

  it('shows the history of its attempts', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    expect((await service.as(user).get(`/v1/requests/${id}`)).body.attempts).toEqual([]);
    await claim(service, worker, type);
    await act(id, 'fail', { attempt: 1, retryable: true, error: 'busy' }).expect(200);
    await service.sql(`UPDATE requests SET available_at = now() WHERE id = $1`, [id]);
    await claim(service, worker, type);
    const { body } = await service.as(user).get(`/v1/requests/${id}`);
    expect(body.attempts).toMatchObject([
      { attempt: 1, outcome: 'returned', error: 'busy', endedAt: expect.any(String) },
      { attempt: 2, outcome: null, error: null, endedAt: null },
    ]);
  });

  it('is for its owner alone', async () => {
    const user = await makeUser(service);
    const stranger = await makeUser(service);
    const { id } = await submit(service, user, newType());
    expect((await follow(stranger, id)).response.statusCode).toBe(404);
    const stream = await follow(user, id);
    stream.stop();
  });

  it('waits for the end at submit when that is preferred', async () => {
    const user = await makeUser(service);
    const type = newType();
    const work = claim(service, worker, type, { waitSeconds: 10 }).then(([{ id }]) => act(id, 'complete', { attempt: 1, result: 'done' }).expect(200));
    const { body, headers } = await service.replicas[1].as(user).post('/v1/requests').set('prefer', 'wait=10').send({ type }).expect(201);
    await work;
    expect(headers['preference-applied']).toBe('wait=10');
    expect(headers.location).toBe(`/v1/requests/${body.id}`);
    expect(body).toMatchObject({ status: 'succeeded', result: 'done', attempt: 1 });
  });

  it('answers a repeated submit as the first time where retention has taken the request, though it would rather wait', async () => {
    const user = await makeUser(service);
    const type = newType();
    const submitOnce = () => service.as(user).post('/v1/requests').set({ prefer: 'wait=1', 'idempotency-key': 'once' }).send({ type });
    const first = await submitOnce().expect(201);
    await service.sql('DELETE FROM requests WHERE id = $1', [first.body.id]);
    const again = await submitOnce().expect(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers).toMatchObject({ 'idempotency-replayed': 'true', location: first.headers.location });
  });

  it('answers with what it is when the preferred time is over', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { body, headers } = await service.as(user).post('/v1/requests').set('prefer', 'wait=1').send({ type }).expect(201);
    expect(headers['preference-applied']).toBe('wait=1');
    expect(body).toMatchObject({ status: 'pending' });
  });

  it('lets streams and waits go when the service stops', async () => {
    const own = await startService();
    const user = await makeUser(own);
    const { id } = await submit(own, user, 'x');
    const response = await fetch(`${own.url}/v1/requests/${id}/events`, { headers: { authorization: `Bearer ${user.key}` } });
    const wait = own.as(user).post('/v1/requests').set('prefer', 'wait=30').send({ type: 'x' });
    const waited = wait.then(({ status }) => status);
    await eventually(async () => (await own.sql(`SELECT id FROM requests`)).length === 2);
    await own.close();
    expect(await response.text()).toContain('event: status');
    expect(await waited).toBe(201);
  });
});
