import { Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { AuditService } from '../audit/audit.service';
import { SessionsService } from '../auth/sessions.service';
import { type Caller } from '../common/access.decorators';
import { type Actor } from '../common/principal';
import { Transactions } from '../database/transactions';
import { IdentitiesRepository, type LinkedIdentity } from '../foreign-tokens/identities.repository';
import { NotFoundProblem } from '../http/problem';
import { MailsService } from '../mail/mails.service';
import { SecondFactorsService } from '../second-factors/second-factors.service';
import { UsersService } from '../users/users.service';
import { type BeginLinkDto, type IdentitiesDto, type IdentityDto } from './dto/identity.dto';
import { type LinkingSession, LoginState } from './login-state';
import { OidcExchange } from './oidc-exchange.service';
import { assertDomain, assertRoom } from './people.service';
import { ProvidersService } from './providers.service';
import { FreshLoginRequired, IdentityTaken, LastWayIn, LoginNotCompleted } from './single-sign-on.errors';
import { IDENTITY_LINKED, IDENTITY_UNLINKED } from './single-sign-on.mails';

/**
 * Identities that the owner of an account links to it and unlinks. Always true: an identity is linked only by the session that asked for it, whose holder has just
 * shown who they are, in the browser that was at the provider; it is of one account; and no account without a password loses its last one by its owner.
 */
@Injectable()
export class IdentityLinksService {
  constructor(
    private readonly providers: ProvidersService,
    private readonly exchange: OidcExchange,
    private readonly state: LoginState,
    private readonly identities: IdentitiesRepository,
    private readonly sessions: SessionsService,
    private readonly users: UsersService,
    private readonly factors: SecondFactorsService,
    private readonly mails: MailsService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /** Where the browser goes, and what it carries. @throws NotFoundProblem, FreshLoginRequired, WrongPassword, CodeRefused, TooManyAttempts, UnavailableProblem */
  async begin(id: string, request: FastifyRequest, caller: Caller, { returnTo, ...shown }: BeginLinkDto): Promise<{ location: string; cookie: string }> {
    const provider = this.providers.get(id);
    const session = await this.freshSession(caller, shown);
    const { location, asked } = await this.exchange.begin(provider);
    return { location, cookie: this.state.linkCookieFor(request, { ...asked, ...session, returnTo }, this.exchange.isSecure) };
  }

  /** Where the browser that comes back is to be led; null: it began no link. */
  returnTo(id: string, request: FastifyRequest): string | null {
    return this.state.pendingLink(request, id)?.returnTo ?? null;
  }

  /**
   * Keeps what the provider has proven in the browser, until the page there sends it with its session's token: the way back itself proves no session.
   * @returns the cookie. @throws NotFoundProblem, LoginNotCompleted, IdentityRefused, UnavailableProblem
   */
  async comeBack(id: string, request: FastifyRequest): Promise<string> {
    const provider = this.providers.get(id);
    const link = this.state.pendingLink(request, id);
    const claims = await this.exchange.claims(provider, link, request.url);
    assertDomain(provider, claims);
    const { userId, sessionId } = link as LinkingSession;
    return this.state.identityCookieFor(request, { provider: id, issuer: provider.issuer, subject: claims.sub, userId, sessionId }, this.exchange.isSecure);
  }

  /** Links what was proven to the account of the session that asked. @throws NotFoundProblem, LoginNotCompleted, IdentityTaken, TooManyIdentities */
  async confirm(id: string, request: FastifyRequest, { principal: { userId, sessionId }, actor }: Caller): Promise<IdentityDto> {
    const { issuer } = this.providers.get(id);
    const proven = this.state.provenIdentity(request, id);
    if (proven?.issuer !== issuer || proven.userId !== userId || proven.sessionId !== sessionId) {
      throw new LoginNotCompleted('No identity that this session asked for within ten minutes waits to be linked: begin anew.');
    }
    const { subject } = proven;
    return this.transactions.run(async (tx) => {
      await this.identities.lock(tx, subject);
      const known = await this.identities.find(issuer, subject, tx);
      if (known !== null && known.userId !== userId) throw new IdentityTaken();
      if (known === null) {
        await assertRoom(this.identities, tx, userId);
        await this.identities.add(tx, issuer, subject, userId);
        await this.audit.record(tx, actor, { action: 'user.identity', target: ['user', userId], after: { issuer, subject } });
        const { email } = await this.users.get(userId, tx);
        await this.mails.enqueue(tx, { template: IDENTITY_LINKED, to: email, params: { issuer }, userId });
      }
      const linked = (await this.identities.of(userId, tx)).find((one) => one.issuer === issuer && one.subject === subject);
      return this.shown(linked as LinkedIdentity);
    });
  }

  /** The cookie that ends what the browser carries. */
  endOf(id: string, request: FastifyRequest): string {
    return this.state.endOf(request, id, this.exchange.isSecure);
  }

  /** @throws NotFoundProblem */
  async list(userId: number): Promise<IdentitiesDto> {
    await this.users.get(userId);
    return { items: (await this.identities.of(userId)).map((one) => this.shown(one)) };
  }

  /** @param isOwn by the owner, who is kept from locking themself out. @throws NotFoundProblem, LastWayIn */
  async unlink(actor: Actor, userId: number, identityId: string, isOwn: boolean): Promise<void> {
    await this.transactions.run(async (tx) => {
      const count = await this.identities.countOf(tx, userId);
      const removed = await this.identities.remove(tx, userId, identityId);
      if (removed === null) throw new NotFoundProblem('identity');
      if (isOwn && count === 1 && !(await this.identities.hasPassword(tx, userId))) throw new LastWayIn();
      const { issuer, subject } = removed;
      await this.audit.record(tx, actor, { action: 'user.identity-remove', target: ['user', userId], before: { issuer, subject } });
      const { email } = await this.users.get(userId, tx);
      await this.mails.enqueue(tx, { template: IDENTITY_UNLINKED, to: email, params: { issuer }, userId });
    });
  }

  private async freshSession({ principal, network }: Caller, { currentPassword, code }: Omit<BeginLinkDto, 'returnTo'>): Promise<LinkingSession> {
    const { userId, sessionId } = principal;
    if (sessionId === null) throw new FreshLoginRequired();
    if (currentPassword !== undefined) await this.users.assertOwner(userId, currentPassword, network);
    else if (code !== undefined && (await this.factors.isEnrolled(userId))) await this.factors.assertPassed({ userId, network }, code);
    else if (!(await this.sessions.isFresh(userId, sessionId))) throw new FreshLoginRequired();
    return { userId, sessionId };
  }

  private shown({ id, issuer, subject, createdAt }: LinkedIdentity): IdentityDto {
    return { id, provider: this.providers.all.find((one) => one.issuer === issuer)?.id ?? null, issuer, subject, createdAt };
  }
}
