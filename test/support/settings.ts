import { type TestUser } from './factories';
import { SettingsService } from '../../src/settings/settings.service';
import { type Replica, type Service } from './service';

/** Makes an operator's setting. */
export async function defineKey(replica: Replica, admin: TestUser, key: string, body: object): Promise<void> {
  await replica.as(admin).put(`/v1/configurations/${key}`).set('if-none-match', '*').send(body).expect(201);
}

/** Writes a system setting over whatever it is. */
export async function writeKey(replica: Replica, admin: TestUser, key: string, body: object): Promise<void> {
  await replica.as(admin).put(`/v1/configurations/${key}`).set('if-match', '*').send(body).expect(200);
}

/** Gives a declared setting a value, whether it had one or not. */
export async function writeSetting(replica: Replica, admin: TestUser, key: string, value: unknown): Promise<void> {
  const { headers } = await replica.as(admin).get(`/v1/configurations/${key}`).expect(200);
  const answer = await replica.as(admin).put(`/v1/configurations/${key}`).set('if-match', headers.etag).send({ value });
  if (answer.status !== 200 && answer.status !== 201) throw new Error(`${key}: ${answer.status} ${answer.text}`);
}

/** The same, and waits until every replica goes by it. */
export async function writeSettingEverywhere(service: Service, admin: TestUser, key: string, value: unknown): Promise<void> {
  await writeSetting(service, admin, key, value);
  await Promise.all(service.replicas.map(({ app }) => app.get(SettingsService).refresh()));
}
