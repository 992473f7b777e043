import { IsOptional, IsString, MaxLength } from 'class-validator';
import { LocalPath } from './local-path';

export class IdentityDto {
  id: string;
  /** The provider in `auth.oidcProviders` by which it logs in; null: it names a program's user, or its provider is not set any more. */
  provider: string | null;
  /** Who vouches for it. */
  issuer: string;
  /** What the issuer calls it. */
  subject: string;
  createdAt: Date;
}

export class IdentitiesDto {
  /** The oldest first; at most 20 by which somebody logs in. */
  items: IdentityDto[];
}

export class BeginLinkDto {
  /** Shows that it is the owner who asks, not somebody with a token of theirs. Not needed where the session began within ten minutes. */
  @IsOptional()
  @IsString()
  @MaxLength(256)
  currentPassword?: string;

  /** In place of the password: the six digits that the app shows, or a recovery code. */
  @IsOptional()
  @IsString()
  @MaxLength(40)
  code?: string;

  /** Where the browser is led from the provider: a path of this origin, such as `/console/`, with `#link=<provider>`, or with `#problem=<code>`. */
  @LocalPath({ required: true })
  returnTo: string;
}

export class BegunLinkDto {
  /** Where the browser goes now: a page of the provider. */
  location: string;
}
