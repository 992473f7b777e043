import { followRequest, type StatusChange } from '../../packages/client/src/follow';
import { claim, makeWorker, newType, submit } from '../requests/work';
import { eventually } from '../support/eventually';
import { makeUser, type TestUser } from '../support/factories';
import { startReplica, type Service, startService } from '../support/service';
import { clientOf, scriptedFetch } from './clients';

describe('following a request with the client', () => {
  let service: Service;
  let worker: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    service = await startService();
    worker = await makeWorker(service);
    user = await makeUser(service, { dailyQuota: 1_000 });
  });
  afterAll(() => service.close());

  const complete = (id: string) => service.as(worker).post(`/v1/requests/${id}/complete`).send({ attempt: 1 }).expect(200);
  const line = ({ n, status, attempt }: StatusChange) => `${n} ${status} ${attempt}`;

  /** Collects what is reported, in the background. */
  function collect(changes: AsyncIterable<StatusChange>) {
    const seen: string[] = [];
    const over = (async () => {
      for await (const change of changes) seen.push(line(change));
    })();
    over.catch(() => undefined);
    return { seen, over };
  }

  it('shows every change as it happens, and ends with the request', async () => {
    const type = newType();
    const { id } = await submit(service, user, type);
    const { seen, over } = collect(followRequest(clientOf(service, user), id));
    await eventually(() => seen.length === 1);
    await claim(service, worker, type);
    await eventually(() => seen.length === 2);
    await complete(id);
    await over;
    expect(seen).toEqual(['0 pending 0', '1 processing 1', '2 succeeded 1']);
  });

  it('goes on after the last change that was received when the connection breaks or the service stops, and shows none twice', async () => {
    const type = newType();
    const { id } = await submit(service, user, type);
    const ending = await startReplica(service.databaseUrl);
    const lastSeen: (string | null)[] = [];
    // The first connection leads to a replica that stops; the second one breaks after its first bytes.
    const flaky = scriptedFetch((request, count) => {
      lastSeen.push(request.headers.get('last-event-id'));
      if (count === 1) return fetch(new Request(request.url.replace(service.url, ending.url), request));
      if (count === 2) return Promise.resolve(new Response(broken('id: 1\nevent: status\n'), { headers: { 'content-type': 'text/event-stream' } }));
      return undefined;
    });
    const { seen, over } = collect(followRequest(clientOf(service, user, flaky), id));
    await eventually(() => seen.length === 1);
    await ending.close();
    await claim(service, worker, type);
    await eventually(() => seen.length === 2, 10_000);
    await complete(id);
    await over;
    expect(seen).toEqual(['0 pending 0', '1 processing 1', '2 succeeded 1']);
    expect(lastSeen.slice(0, 3)).toEqual([null, '0', '0']);
  });

  it('gives up a connection that states nothing', async () => {
    const type = newType();
    const { id } = await submit(service, user, type);
    const silent = scriptedFetch((_, count) =>
      count === 1 ? Promise.resolve(new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } })) : undefined,
    );
    const changes = followRequest(clientOf(service, user, silent), id, { longestSilenceSeconds: 0.05 });
    expect((await changes.next()).value).toMatchObject({ n: 0, id, status: 'pending' });
    await changes.return();
    expect(silent.calls).toHaveLength(2);
  });

  it('begins after the change that it is given, and shows nothing when all is known', async () => {
    const type = newType();
    const { id } = await submit(service, user, type);
    await claim(service, worker, type);
    await complete(id);
    const client = clientOf(service, user);
    const rest = collect(followRequest(client, id, { after: 1 }));
    await rest.over;
    expect(rest.seen).toEqual(['2 succeeded 1']);
    const nothing = collect(followRequest(client, id, { after: 2 }));
    await nothing.over;
    expect(nothing.seen).toEqual([]);
  });

  it('closes its connection when the loop is left, and throws the reason of its signal', async () => {
    const { id } = await submit(service, user, newType());
    const open = () => new Promise<number>((resolve, reject) => service.app.getHttpServer().getConnections((e, n) => (e ? reject(e) : resolve(n))));
    const client = clientOf(service, user);
    const before = await open();
    for await (const { status } of followRequest(client, id)) if (status === 'pending') break;
    await eventually(async () => (await open()) <= before);
    const stop = new AbortController();
    const stopped = collect(followRequest(client, id, { signal: stop.signal }));
    await eventually(() => stopped.seen.length === 1);
    stop.abort(new RangeError('enough'));
    await expect(stopped.over).rejects.toThrow('enough');
  });

  it('throws the refusal for a request of somebody else', async () => {
    const { id } = await submit(service, user, newType());
    const other = clientOf(service, await makeUser(service));
    await expect(followRequest(other, id).next()).rejects.toMatchObject({ status: 404 });
  });
});

/** A body that breaks off in the middle of an event. */
function broken(text: string): ReadableStream<Uint8Array> {
  let isSent = false;
  return new ReadableStream({
    pull(controller) {
      if (isSent) return controller.error(new TypeError('terminated'));
      isSent = true;
      controller.enqueue(new TextEncoder().encode(text));
    },
  });
}
