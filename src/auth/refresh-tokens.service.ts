import { Injectable } from '@nestjs/common';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { DataSource, type EntityManager, LessThan } from 'typeorm';
import { User } from '../users/entities/user.entity';
import { DatabaseClock } from '../database/database-clock';
import { RefreshRefused } from './auth.errors';
import { RefreshToken } from './entities/refresh-token.entity';

const LIFETIME_MS = 30 * 24 * 3_600 * 1_000;

/**
 * Refresh tokens, rotated at each use (RFC 9700, section 2.2.2). Always true: a token works once; a second use means that
 * it was stolen, and ends every token that came from the same login.
 */
@Injectable()
export class RefreshTokensService {
  constructor(
    private readonly clock: DatabaseClock,
    private readonly dataSource: DataSource,
  ) {}

  /** The first token of a login. */
  async issue(user: User): Promise<string> {
    return this.insert(this.dataSource.manager, user, randomUUID());
  }

  /** The user and the token's successor. @throws RefreshRefused */
  async rotate(token: string): Promise<{ user: User; refreshToken: string }> {
    // Refusing must commit too: it revokes the family.
    const rotated = await this.dataSource.transaction(async (tx) => {
      const row = await this.lock(tx, token);
      if (row === null || row.revokedAt !== null) return null;
      if (row.rotatedAt !== null) {
        await this.revokeFamily(tx, row.family);
        return null;
      }
      const user = await tx.findOneBy(User, { id: row.userId, status: 'active', tokenVersion: row.tokenVersion });
      if (user === null || row.expiresAt <= (await this.clock.now(tx))) return null;
      await tx.update(RefreshToken, { id: row.id }, { rotatedAt: () => 'now()' });
      return { user, refreshToken: await this.insert(tx, user, row.family) };
    });
    if (rotated === null) throw new RefreshRefused();
    return rotated;
  }

  /** Ends the login that the token came from. Nothing happens when there is none. */
  async revoke(token: string): Promise<void> {
    await this.dataSource.transaction(async (tx) => {
      const row = await this.lock(tx, token);
      if (row !== null) await this.revokeFamily(tx, row.family);
    });
  }

  /** Forgets tokens that expired: a second use of one of them proves nothing any more. */
  async removeExpired(): Promise<number> {
    const { affected } = await this.dataSource.manager.delete(RefreshToken, { expiresAt: LessThan(await this.clock.now()) });
    return affected ?? 0;
  }

  private lock(tx: EntityManager, token: string): Promise<RefreshToken | null> {
    return tx.findOne(RefreshToken, { where: { tokenHash: hashOf(token) }, lock: { mode: 'pessimistic_write' } });
  }

  private async revokeFamily(tx: EntityManager, family: string): Promise<void> {
    await tx.update(RefreshToken, { family }, { revokedAt: () => 'now()' });
  }

  private async insert(tx: EntityManager, { id: userId, tokenVersion }: User, family: string): Promise<string> {
    const token = `qtr_${randomBytes(32).toString('base64url')}`;
    const expiresAt = new Date((await this.clock.now(tx)).getTime() + LIFETIME_MS);
    await tx.insert(RefreshToken, { userId, tokenVersion, family, tokenHash: hashOf(token), expiresAt });
    return token;
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
