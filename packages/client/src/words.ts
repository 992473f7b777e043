import { type Client, type Schemas } from './client';

/** What ends an attempt. */
export type Word = { act: 'complete'; body: Schemas['CompleteDto'] } | { act: 'fail'; body: Schemas['FailDto'] };

/** Carries the words of all of a worker's attempts to the service, where they could be said together. */
export class Words {
  constructor(private readonly client: Client) {}

  /** @throws ProblemError if the word is not taken */
  async say(id: string, { act, body }: Word): Promise<void> {
    const params = { path: { id } };
    if (act === 'complete') await this.client.POST('/v1/requests/{id}/complete', { params, body });
    else await this.client.POST('/v1/requests/{id}/fail', { params, body });
  }
}
