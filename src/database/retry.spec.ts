import { QueryFailedError } from 'typeorm';
import { retried } from './retry';

const failed = (code: string) => new QueryFailedError('SELECT 1', [], Object.assign(new Error(code), { code }));
/** Work that fails with each of the errors in turn, then answers how often it ran. */
function failing(...errors: Error[]): () => Promise<number> {
  let runs = 0;
  return () => {
    const error = errors[runs++];
    return error ? Promise.reject(error) : Promise.resolve(runs);
  };
}

describe('retried', () => {
  it.each(['40001', '40P01', '55P03'])('does work again that was rolled back with %s', async (code) => {
    expect(await retried(failing(failed(code), failed(code)))).toBe(3);
  });

  it.each(['23505', '57P01', '22003', '25006'])('leaves %s to the caller', async (code) => {
    await expect(retried(failing(failed(code)))).rejects.toThrow(code);
  });

  it('gives up after a bounded number of attempts', async () => {
    const work = failing(...Array.from({ length: 50 }, () => failed('40001')));
    await expect(retried(work)).rejects.toThrow('40001');
    expect(await work().catch(() => 'failed')).toBe('failed');
  });
});
