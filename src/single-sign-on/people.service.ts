import { Injectable } from '@nestjs/common';
import { type IDToken } from 'openid-client';
import { type EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { type Actor, type Role } from '../common/principal';
import { Transactions } from '../database/transactions';
import { IdentitiesRepository } from '../foreign-tokens/identities.repository';
import { ProofsRepository } from '../proofs/proofs.repository';
import { UpdateUserService } from '../users/update-user.service';
import { UsersService } from '../users/users.service';
import { IdentityRefused, TooManyIdentities } from './single-sign-on.errors';
import { type OidcProvider } from './single-sign-on.settings';

/** Identities of one account: lists of them are short. */
const MAX_IDENTITIES = 20;

/**
 * Whose account a person at a provider has. Always true: an account is linked by an address only when the provider has proven it and so have
 * we; else whoever registered an address that is not theirs would wait for its owner; the role follows its claim at each login.
 */
@Injectable()
export class PeopleService {
  constructor(
    private readonly identities: IdentitiesRepository,
    private readonly proofs: ProofsRepository,
    private readonly users: UsersService,
    private readonly updates: UpdateUserService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /** The account's id. @throws IdentityRefused, LastAdmin, TooManyIdentities */
  async admit(provider: OidcProvider, claims: IDToken): Promise<number> {
    assertDomain(provider, claims);
    const actor: Actor = { kind: 'system', id: null, requestId: null, reason: `login by ${provider.id}` };
    return this.transactions.run(async (tx) => {
      await this.identities.lock(tx, claims.sub);
      const known = await this.identities.find(provider.issuer, claims.sub, tx);
      const id = known?.userId ?? (await this.link(tx, actor, provider, claims));
      const role = roleOf(provider, claims);
      if (role !== null && (await this.users.get(id, tx)).role !== role) await this.updates.changeRole(tx, actor, id, role);
      return id;
    });
  }

  private async link(tx: EntityManager, actor: Actor, provider: OidcProvider, claims: IDToken): Promise<number> {
    const email = provenAddress(claims);
    if (email === null) throw new IdentityRefused('The provider does not state an e-mail address that it has proven, so there is no account to link.');
    const found = await this.users.idBehind(tx, email);
    if (found === null && !provider.createUsers) throw new IdentityRefused('There is no account with this e-mail address, and none is made by a login.');
    if (found !== null && (await this.proofs.addressOf(found, tx))?.proven !== true) {
      throw new IdentityRefused('The account with this e-mail address has not proven it. Log in by password, prove the address, and come back.');
    }
    const id = found ?? (await this.users.createForPerson(tx, actor, email));
    await assertRoom(this.identities, tx, id);
    await this.identities.add(tx, provider.issuer, claims.sub, id);
    await this.audit.record(tx, actor, { action: 'user.identity', target: ['user', id], after: { issuer: provider.issuer, subject: claims.sub } });
    return id;
  }
}

/** @throws TooManyIdentities */
export async function assertRoom(identities: IdentitiesRepository, tx: EntityManager, userId: number): Promise<void> {
  if ((await identities.countOf(tx, userId)) >= MAX_IDENTITIES) throw new TooManyIdentities(MAX_IDENTITIES);
}

/** As accounts have them: plain ASCII of up to 255 characters. */
function provenAddress({ email, email_verified: verified }: IDToken): string | null {
  return verified === true && typeof email === 'string' && email.length <= 255 && /^[\x21-\x7e]+@[\x21-\x7e]+$/.test(email) ? email : null;
}

/** @throws IdentityRefused */
export function assertDomain({ allowedDomains, name }: OidcProvider, claims: IDToken): void {
  if (allowedDomains === undefined) return;
  const domain = provenAddress(claims)?.split('@').at(-1)?.toLowerCase();
  if (domain !== undefined && allowedDomains.some((one) => one.toLowerCase() === domain)) return;
  throw new IdentityRefused(`Logins by ${name} are for proven addresses of certain domains alone.`);
}

/** The widest role that a value of the claim gives. */
function roleOf({ roleClaim, adminValues = [], supportValues = [], viewerValues = [] }: OidcProvider, claims: IDToken): Role | null {
  if (roleClaim === undefined) return null;
  const values = [claims[roleClaim]].flat();
  const given = (list: string[]) => values.some((value) => typeof value === 'string' && list.includes(value));
  if (given(adminValues)) return 'admin';
  if (given(supportValues)) return 'support';
  return given(viewerValues) ? 'viewer' : 'user';
}
