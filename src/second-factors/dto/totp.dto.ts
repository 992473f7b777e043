import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength, MinLength } from 'class-validator';

export class ProvePasswordDto {
  /** The account's. */
  @IsString()
  @MinLength(1)
  @MaxLength(256)
  currentPassword: string;
}

export class TotpCodeDto {
  /** The six digits that the app shows. */
  @IsString()
  @MinLength(1)
  @MaxLength(40)
  code: string;
}

export class NewTotpDto {
  /** For typing into an app, in base32. Shown once. */
  secret: string;
  /** The same as an `otpauth:` address, for an app to scan as a picture. */
  uri: string;
}

export class RecoveryCodesDto {
  /** Each works once in place of the app's code. Shown once. */
  @ApiProperty({ type: 'array', items: { type: 'string' } })
  recoveryCodes: string[];
}
