// A real OpenID Connect provider, as a process: who types a login is that person, with a proven address. Prints its issuer.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const server = createServer().listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'quotidian',
        client_secret: 'client-secret',
        redirect_uris: [process.argv[2] ?? ''],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    cookies: { keys: ['only for tests'] },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, email: `${sub}@example.com`, email_verified: true, name: sub }) }),
  });
  const answer = provider.callback();
  server.on('request', (request, response) => void answer(request, response));
  process.stdout.write(`${issuer}\n`);
});
