import { IsBoolean, Matches, MaxLength } from 'class-validator';
import { IsReason } from '../../common/is-reason';
import { MayBeLeftOut } from '../../common/may-be-left-out';
import { SERVICE_ACCOUNT_NAME } from './create-service-account.dto';

export class UpdateServiceAccountDto {
  @MayBeLeftOut()
  @Matches(SERVICE_ACCOUNT_NAME, { message: 'must be of a-z, 0-9, dot, dash and underscore, and start with a letter or digit' })
  @MaxLength(100)
  name?: string;

  /** Whether its keys stop, on every replica within a second; they work again once it is enabled. */
  @MayBeLeftOut()
  @IsBoolean()
  disabled?: boolean;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
