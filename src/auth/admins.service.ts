import { Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { ApiKeysService } from '../api-keys/api-keys.service';
import { type Actor, SCOPES } from '../common/principal';
import { type CredentialsDto } from '../users/dto/credentials.dto';
import { EmailTaken } from '../users/users.errors';
import { UsersService } from '../users/users.service';

export interface NewAdmin {
  id: number;
  email: string;
  /** Shown once; it holds every scope. */
  apiKey: string;
}

const FIRST_ADMIN = 'admin@quotidian.local';
const SYSTEM: Actor = { kind: 'system', id: null, requestId: null };

/** Administrators that are made from beside the API: by a command, or at the very first start. */
@Injectable()
export class AdminsService {
  constructor(
    private readonly users: UsersService,
    private readonly keys: ApiKeysService,
  ) {}

  /** @throws EmailTaken, ValidationProblem */
  async create(actor: Actor, { email, password }: CredentialsDto): Promise<NewAdmin> {
    const { id } = await this.users.create(actor, { email, password, role: 'admin', unlimited: true });
    const { key: apiKey } = await this.keys.create(actor, true, id, { name: 'administrator', scopes: [...SCOPES] });
    return { id, email, apiKey };
  }

  /** An administrator with a generated password, when there is no account at all; of replicas that start at once, one makes it. */
  async createFirst(): Promise<(NewAdmin & { password: string }) | null> {
    if (await this.users.any()) return null;
    const password = randomBytes(15).toString('base64url');
    try {
      return { ...(await this.create(SYSTEM, { email: FIRST_ADMIN, password })), password };
    } catch (error) {
      if (error instanceof EmailTaken) return null;
      throw error;
    }
  }
}
