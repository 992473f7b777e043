import { IsOptional, IsString, MaxLength } from 'class-validator';

/** What a provider sends the browser back with; others of its own are none of ours. */
export class CallbackQuery {
  @IsOptional()
  @IsString()
  @MaxLength(4_000)
  code?: string;

  @IsOptional()
  @IsString()
  @MaxLength(500)
  state?: string;

  /** Who answers (RFC 9207). */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  iss?: string;

  @IsOptional()
  @IsString()
  @MaxLength(500)
  session_state?: string;

  @IsOptional()
  @IsString()
  @MaxLength(500)
  scope?: string;

  /** Why there is no code. */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  error?: string;

  @IsOptional()
  @IsString()
  @MaxLength(1_000)
  error_description?: string;
}
