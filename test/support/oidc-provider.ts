import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Dispatcher, request } from 'undici';

const MAX_STEPS = 12;

/** A real OpenID Connect provider (`oidc-provider`) and the browser of somebody who logs in there. */
export class RealProvider {
  private constructor(
    private readonly child: ChildProcess,
    readonly issuer: string,
  ) {}

  /** @param redirectUri where it lets its only client, `quotidian`, be led back to */
  static async start(redirectUri: string): Promise<RealProvider> {
    const child = spawn(process.execPath, [join(__dirname, 'oidc-provider-process.mjs'), redirectUri], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return new RealProvider(child, line.toString().trim());
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }

  /** Follows the provider's pages from where the service led, logs in as `login` and consents. @returns the address that leads back to the service */
  async logIn(location: string, login: string): Promise<URL> {
    const cookies = new Map<string, string>();
    let url = new URL(location);
    let form: URLSearchParams | null = null;
    for (let step = 0; step < MAX_STEPS; step++) {
      const answer: Dispatcher.ResponseData = await request(url, {
        method: form === null ? 'GET' : 'POST',
        body: form?.toString(),
        headers: {
          cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
          ...(form === null ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        },
      });
      const { statusCode, headers } = answer;
      const page = await answer.body.text();
      for (const cookie of [headers['set-cookie'] ?? []].flat()) {
        const [pair = ''] = cookie.split(';');
        cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
      }
      form = null;
      if (statusCode === 302 || statusCode === 303) {
        url = new URL(headers.location as string, url);
        if (url.origin !== this.issuer) return url;
        continue;
      }
      const action = /action="([^"]+)"/.exec(page)?.[1];
      if (statusCode !== 200 || action === undefined) throw new Error(`The provider answered ${statusCode}: ${page.slice(0, 300)}`);
      url = new URL(action, url);
      form = page.includes('name="login"') ? new URLSearchParams({ prompt: 'login', login, password: 'any' }) : new URLSearchParams({ prompt: 'consent' });
    }
    throw new Error('The provider led in a circle.');
  }
}
