import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { Secrets } from '../config/secrets';
import { Transactions } from '../database/transactions';
import { type ClientDevice, deviceHash, UNKNOWN_DEVICE } from '../common/client-device';
import { MailsService } from '../mail/mails.service';
import { SettingsService } from '../settings/settings.service';
import { RefreshRefused } from './auth.errors';
import { NEW_DEVICE } from './auth.mails';
import { AuthSettings } from './auth.settings';
import { isFormerToken, lineageOf, lineageOfFamily, makeToken, newLineage, sha256, successorOf } from './refresh-token';
import { SessionsRepository } from './sessions.repository';

const LIFETIME_MS = 30 * 24 * 3_600 * 1_000;
/** How long the token before the present one is good for what it was traded for already. */
const GRACE_MS = 10_000;
const FRESH_SECONDS = 600;

/** A user at the version that their tokens carry. */
export interface VersionedUser {
  id: number;
  tokenVersion: number;
}

/** A session, and the refresh token that it goes on by. */
export interface OngoingSession {
  id: string;
  refreshToken: string;
}

/**
 * Sessions, which go on by refresh tokens that are rotated at each use (RFC 9700, section 2.2.2). Always true: a token works once;
 * an earlier one that comes back was stolen, or its thief rotated it, and ends the session; an ended session is ended whatever was
 * under way; a user has at most `auth.maxSessionsPerUser`.
 */
@Injectable()
export class SessionsService {
  constructor(
    private readonly repository: SessionsRepository,
    private readonly mails: MailsService,
    private readonly settings: SettingsService,
    private readonly transactions: Transactions,
    private readonly secrets: Secrets,
  ) {}

  /** Begins a session, ends the oldest beyond the bound, and returns it with its first refresh token; null: the user changed meanwhile. */
  async begin({ id: userId, tokenVersion }: VersionedUser, device: ClientDevice = UNKNOWN_DEVICE): Promise<OngoingSession | null> {
    const lineage = newLineage();
    const token = makeToken(lineage);
    const session = { userId, tokenVersion, lineageHash: sha256(lineage), tokenHash: sha256(token), lifetimeMs: LIFETIME_MS, device };
    const max = this.settings.get(AuthSettings.maxSessionsPerUser);
    const id = await this.transactions.run(async (tx) => {
      const begun = await this.repository.begin(tx, session, max);
      if (begun !== null) await this.noteDevice(tx, userId, device);
      return begun;
    });
    return id === null ? null : { id, refreshToken: token };
  }

  /**
   * The user, and the session with the token's successor.
   * @param isShared all who come with the same token within ten seconds get the same successor: tabs of one browser, or one whose answer was lost
   * @throws RefreshRefused
   */
  async rotate(token: string, device: ClientDevice = UNKNOWN_DEVICE, isShared = false): Promise<{ user: VersionedUser; session: OngoingSession }> {
    const lineage = await this.lineageOf(token);
    if (lineage === null) throw new RefreshRefused();
    const refreshToken = isShared ? successorOf(lineage, token, this.secrets.jwt) : makeToken(lineage);
    const [lineageHash, tokenHash] = [sha256(lineage), sha256(token)];
    const graceMs = isShared ? GRACE_MS : 0;
    const found = await this.repository.rotate({ lineageHash, tokenHash, nextHash: sha256(refreshToken), lifetimeMs: LIFETIME_MS, graceMs, device });
    if (found !== null) return { user: { id: found.userId, tokenVersion: found.tokenVersion }, session: { id: found.id, refreshToken } };
    await this.repository.end(lineageHash, tokenHash);
    throw new RefreshRefused();
  }

  /** Ends the session of the token, be it an earlier one. Nothing happens when there is none. */
  async end(token: string): Promise<void> {
    const lineage = await this.lineageOf(token);
    if (lineage !== null) await this.repository.end(sha256(lineage));
  }

  /** Whether the session began so short a time ago that who holds its token has just logged in. */
  isFresh(userId: number, id: string): Promise<boolean> {
    return this.repository.isFresh(userId, id, FRESH_SECONDS);
  }

  /** A participant of the transaction that raised the user's token version: removes what that ended. */
  async endAll(tx: EntityManager, userId: number): Promise<void> {
    await this.repository.endAll(tx, userId);
  }

  /** Forgets sessions that expired, in batches; returns how many rows went. */
  async removeExpired(stop?: AbortSignal): Promise<number> {
    for (let sum = 0; ;) {
      const removed = await this.repository.removeExpired();
      sum += removed;
      if (removed === 0 || stop?.aborted) return sum;
    }
  }

  private async noteDevice(tx: EntityManager, userId: number, device: ClientDevice): Promise<void> {
    const isNew = await this.repository.noteDevice(tx, userId, deviceHash(device));
    if (!isNew || !this.settings.get(AuthSettings.newDeviceMail)) return;
    const { email, now } = await this.repository.ownerOf(tx, userId);
    const params = { time: now.toISOString(), address: device.address ?? 'not known', userAgent: device.userAgent ?? 'not known' };
    await this.mails.enqueue(tx, { template: NEW_DEVICE, to: email, params, userId });
  }

  private async lineageOf(token: string): Promise<Buffer | null> {
    if (!isFormerToken(token)) return lineageOf(token);
    const family = await this.repository.familyOf(sha256(token));
    return family === null ? null : lineageOfFamily(family);
  }
}
