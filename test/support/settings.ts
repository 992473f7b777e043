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
