import { IsString, MaxLength, MinLength } from 'class-validator';

export class LoginCodeDto {
  /** The six digits that the app shows, or a recovery code. */
  @IsString()
  @MinLength(1)
  @MaxLength(40)
  code: string;
}
