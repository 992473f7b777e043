import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

/** What a provider hands out for a code, once. */
interface Grant {
  challenge: string;
  idToken: string;
}

/** An OpenID Connect provider that can be made to lie. */
export class Provider {
  issuer = '';
  key!: PrivateKey;
  isAway = false;
  readonly grants = new Map<string, Grant>();
  readonly clients: (string | undefined)[] = [];
  private jwk!: JWK;
  private readonly server = createServer((request, response) => void this.answer(request, response));

  async start(): Promise<this> {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
    this.key = privateKey;
    this.jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.issuer = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: object) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (this.isAway) return void send(500, {});
    if (request.url === '/keys') return void send(200, { keys: [this.jwk] });
    if (request.url !== '/token') return void send(200, this.document());
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const code = form.get('code') ?? '';
    const grant = this.grants.get(code);
    this.clients.push(form.get('client_secret') ?? undefined);
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    this.grants.delete(code);
    if (grant?.challenge !== challenge) return void send(400, { error: 'invalid_grant' });
    send(200, { access_token: 'opaque', token_type: 'Bearer', expires_in: 60, id_token: grant.idToken });
  }

  private document(): object {
    const { issuer } = this;
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      authorization_response_iss_parameter_supported: true,
    };
  }
}
