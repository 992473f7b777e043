import { type TestUser } from './factories';
import { type Replica } from './service';

/** Makes an operator's setting. */
export async function defineKey(replica: Replica, admin: TestUser, key: string, body: object): Promise<void> {
  await replica.as(admin).put(`/v1/configurations/${key}`).set('if-none-match', '*').send(body).expect(201);
}

/** Writes a system setting over whatever it is. */
export async function writeKey(replica: Replica, admin: TestUser, key: string, body: object): Promise<void> {
  await replica.as(admin).put(`/v1/configurations/${key}`).set('if-match', '*').send(body).expect(200);
}

/** Polls until the answer pleases; fails with the last one after the deadline. Resolves to the milliseconds that it took. */
export async function within<T>(deadlineMs: number, ask: () => Promise<T>, pleases: (answer: T) => boolean): Promise<number> {
  const start = performance.now();
  for (;;) {
    const answer = await ask();
    const took = performance.now() - start;
    if (pleases(answer)) return took;
    if (took > deadlineMs) throw new Error(`after ${Math.round(took)} ms still ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
