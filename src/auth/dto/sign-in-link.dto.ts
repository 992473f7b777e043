import { IsBoolean, IsString, MaxLength, MinLength } from 'class-validator';
import { MayBeLeftOut } from '../../common/may-be-left-out';

export class SignInLinkDto {
  /** From the fragment of the link. */
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  token: string;

  /** Replaces the account's password. Any characters; the setting `auth.passwordMinLength` holds the minimum. */
  @MayBeLeftOut()
  @IsString()
  @MaxLength(256)
  newPassword?: string;

  /** Of an account with a second factor, as at login. */
  @MayBeLeftOut()
  @IsString()
  @MinLength(1)
  @MaxLength(40)
  code?: string;

  /** As at login. */
  @MayBeLeftOut()
  @IsBoolean()
  cookie?: boolean;
}
