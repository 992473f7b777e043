import { Environment } from '../../config/environment';
import { workerVariables } from './worker-variables';

describe('workerVariables', () => {
  it('divides what is bounded for a process, and never below what a process needs', () => {
    const environment = new Environment();
    expect(workerVariables(environment, { number: 2, of: 4 })).toEqual({ QUOTIDIAN_WORKER: '2/4', DATABASE_POOL_SIZE: '2', ADMISSION_QUEUE_LIMIT: '1024' });
    expect(workerVariables(environment, { number: 64, of: 64 })).toMatchObject({ DATABASE_POOL_SIZE: '2', ADMISSION_QUEUE_LIMIT: '64' });
  });
});
