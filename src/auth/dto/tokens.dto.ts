export class TokensDto {
  /** A JWT for `Authorization: Bearer`. */
  accessToken: string;
  tokenType: 'Bearer';
  /** Seconds until the access token ends. */
  expiresIn: number;
  /** For one use at `/v1/auth/refresh`, within 30 days. Not there when it is in a cookie. */
  refreshToken?: string;
}
