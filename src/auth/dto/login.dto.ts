import { MayBeLeftOut } from '../../common/may-be-left-out';
import { IsBoolean, IsString, MaxLength, MinLength } from 'class-validator';

export class LoginDto {
  /** The account's, in any case. Not held to what new addresses must be: other programs make accounts too. */
  @IsString()
  @MinLength(1)
  @MaxLength(255)
  email: string;

  @IsString()
  @MinLength(1)
  @MaxLength(256)
  password: string;

  /** Of an account with a second factor: the six digits that the app shows, or a recovery code. */
  @MayBeLeftOut()
  @IsString()
  @MinLength(1)
  @MaxLength(40)
  code?: string;

  /** true: the refresh token stays in a cookie that pages cannot read, and not in the answer. For pages of this service alone. */
  @MayBeLeftOut()
  @IsBoolean()
  cookie?: boolean;
}
