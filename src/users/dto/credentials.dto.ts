import { IsEmail, IsString, Matches, MaxLength } from 'class-validator';

/** Plain ASCII, so that no two addresses look alike and lowercasing means the same everywhere. */
const ASCII = /^[\x21-\x7e]+$/;

export class CredentialsDto {
  /** Unique regardless of case; kept as typed. */
  @IsString()
  @MaxLength(255)
  @Matches(ASCII, { message: 'email must be plain ASCII' })
  @IsEmail()
  email: string;

  /** Any characters; the setting `auth.passwordMinLength` holds the minimum. */
  @IsString()
  @MaxLength(256)
  password: string;
}
