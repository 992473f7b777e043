import { IsString, MaxLength } from 'class-validator';
import { VerifyEmailDto } from './verify-email.dto';

export class ResetPasswordDto extends VerifyEmailDto {
  /** Any characters; the setting `auth.passwordMinLength` holds the minimum. */
  @IsString()
  @MaxLength(256)
  newPassword: string;
}
