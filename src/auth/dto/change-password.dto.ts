import { IsOptional, IsString, MaxLength } from 'class-validator';

export class ChangePasswordDto {
  /** Needed but by an administrator who sets somebody else's. */
  @IsOptional()
  @IsString()
  @MaxLength(256)
  currentPassword?: string;

  /** Any characters; the setting `auth.passwordMinLength` holds the minimum. */
  @IsString()
  @MaxLength(256)
  newPassword: string;
}
