import { Injectable } from '@nestjs/common';
import { type Attempt, Attempts } from './attempts';
import { CallerQueueFull, FairQueue, QueueFull } from './fair-queue';
import { hashPassword, needsRehash, verifyPassword } from './hashing';
import { HashingBusy, TooManyAttempts } from './passwords.errors';

/** Hashes at a time: more would fill the thread pool that files and name lookups share, and 19 MiB each. */
const AT_ONCE = 2;

/**
 * Every password that is checked or hashed passes here. Always true: attempts are counted wherever they are made, hashing is shared
 * fairly between callers, and nobody's floods keep another's login waiting for more than the hash that runs.
 */
@Injectable()
export class PasswordsService {
  private readonly queue = new FairQueue({ atOnce: AT_ONCE, waitingOfCallerMax: 200, waitingMax: 1_024 });

  constructor(private readonly attempts: Attempts) {}

  /**
   * Whether the password is the one whose hash `stored` finds, which is asked only when the attempt is not one too many; null, for nobody's, takes the same time.
   * @throws TooManyAttempts, HashingBusy
   */
  prove(attempt: Attempt, password: string, stored: () => Promise<string | null>): Promise<boolean> {
    return this.attempts.make(attempt, async ({ keys }) => {
      const hash = await stored();
      // Guesses take half of a core at the longest: the other half is somebody's who knows their password.
      return this.queued(
        keys,
        () => verifyPassword(hash, password),
        (right, spentMs) => (right ? 0 : spentMs),
      );
    });
  }

  /** Makes an attempt that is none at a password, such as at a code: counted alike. @throws TooManyAttempts */
  attempt(attempt: Attempt, check: () => Promise<boolean>): Promise<boolean> {
    return this.attempts.make(attempt, check);
  }

  /** A hash to store. `caller`: whoever has it made, whose share of the hashing it takes. @throws TooManyAttempts, HashingBusy */
  hash(caller: string, password: string): Promise<string> {
    return this.queued([caller], () => hashPassword(password));
  }

  needsRehash(stored: string): boolean {
    return needsRehash(stored);
  }

  /** Resolves when the network may make another account. @throws TooManyAttempts */
  countRegistration(network: string, email: string): Promise<void> {
    return this.attempts.countRegistration(network, email);
  }

  private async queued<T>(keys: [string, ...string[]], work: () => Promise<T>, restMs?: (result: T, spentMs: number) => number): Promise<T> {
    try {
      return await this.queue.run(keys, work, restMs);
    } catch (error) {
      if (error instanceof CallerQueueFull) throw new TooManyAttempts(2);
      throw error instanceof QueueFull ? new HashingBusy() : error;
    }
  }
}
