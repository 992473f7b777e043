import { IsString, MaxLength, MinLength } from 'class-validator';

export class VerifyEmailDto {
  /** From the link in the mail: what stands behind `#token=`. */
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  token: string;
}
