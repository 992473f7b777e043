import { api } from '../api/client';
import { type Schemas, type User } from '../api/types';

export type UserChange = Schemas['UpdateUserDto'];

/** At the version that was read: two operators who change one user do not overwrite each other. */
export async function updateUser({ id }: User, body: UserChange, dryRun = false): Promise<unknown> {
  const path = { userId: String(id) };
  const { response } = await api.GET('/v1/users/{userId}', { params: { path } });
  const headers = { 'if-match': response.headers.get('etag') ?? '*' };
  return (await api.PATCH('/v1/users/{userId}', { params: { path, query: { dryRun } }, headers, body })).data;
}
