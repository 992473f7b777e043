import { IsString, MaxLength, MinLength } from 'class-validator';

export class ForgotPasswordDto {
  /** The account's, in any case. Not held to what new addresses must be: other programs make accounts too. */
  @IsString()
  @MinLength(1)
  @MaxLength(255)
  email: string;
}
