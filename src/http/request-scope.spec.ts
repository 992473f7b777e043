import { EventEmitter } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { RequestScope } from './request-scope';

describe('the request on whose behalf something runs', () => {
  const begin = (id: string, work: () => void = () => undefined) => {
    const response = new EventEmitter();
    RequestScope.run({ headers: { 'x-request-id': id } } as unknown as IncomingMessage, response as ServerResponse, work);
    return { end: () => response.emit('close') };
  };

  it('is the only one under way, is not guessed among several, and is known of each callback once there was an error', async () => {
    const one = begin('one');
    const another = begin('another');
    expect(RequestScope.get()).toBeUndefined();
    expect(RequestScope.idsUnderWay(10)).toEqual(['one', 'another']);
    expect(RequestScope.blame()).toBeUndefined();
    another.end();
    expect(RequestScope.blame()?.id).toBe('one');
    const seen = new Promise((resolve) => begin('watched', () => setTimeout(() => resolve(RequestScope.blame()?.id), 1)));
    expect(await seen).toBe('watched');
    one.end();
  });
});
