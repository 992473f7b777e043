import { MayBeLeftOut } from '../../common/may-be-left-out';
import { IsString, MaxLength, MinLength } from 'class-validator';

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
}
