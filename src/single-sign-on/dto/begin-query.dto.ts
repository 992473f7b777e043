import { LocalPath } from './local-path';

export class BeginQuery {
  /**
   * Where the browser is led when the login is over: a path of this origin, such as `/console/`. The session is then a cookie, as with `"cookie": true` at
   * `POST /v1/auth/login`, and no token is shown. A login that came to nothing leads there too, with `#problem=<code>`.
   */
  @LocalPath({ required: false })
  returnTo?: string;
}
