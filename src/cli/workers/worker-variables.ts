import { placeVariables } from '../../common/worker-process';
import { type Environment } from '../../config/environment';

const MIN_POOL = 2;
const MIN_QUEUE = 64;

/** What a worker process is given beside the environment of the whole: its place, and its share of what is bounded for a process. */
export function workerVariables({ DATABASE_POOL_SIZE, ADMISSION_QUEUE_LIMIT }: Environment, place: { number: number; of: number }): Record<string, string> {
  const share = (whole: number, min: number) => String(Math.max(min, Math.floor(whole / place.of)));
  return {
    ...placeVariables(place),
    DATABASE_POOL_SIZE: share(DATABASE_POOL_SIZE, MIN_POOL),
    ADMISSION_QUEUE_LIMIT: share(ADMISSION_QUEUE_LIMIT, MIN_QUEUE),
  };
}
