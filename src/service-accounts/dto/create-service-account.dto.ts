import { IsIn, Matches, MaxLength } from 'class-validator';
import { IsReason } from '../../common/is-reason';
import { MayBeLeftOut } from '../../common/may-be-left-out';
import { type Role, ROLES } from '../../common/principal';

/** As the database has it. */
export const SERVICE_ACCOUNT_NAME = /^[a-z0-9][a-z0-9._-]*$/;

export class CreateServiceAccountDto {
  /** Unique among service accounts: what the audit log names it by. */
  @Matches(SERVICE_ACCOUNT_NAME, { message: 'must be of a-z, 0-9, dot, dash and underscore, and start with a letter or digit' })
  @MaxLength(100)
  name: string;

  /** What its keys with the scope `admin` may do; default `user`: nothing beyond `service` and `worker`. It stays as it is. */
  @MayBeLeftOut()
  @IsIn(ROLES)
  role?: Role;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
