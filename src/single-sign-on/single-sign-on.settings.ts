import { defineSetting } from '../settings/setting';

/** An OpenID Connect provider by which people log in. */
export interface OidcProvider {
  /** Part of the addresses of its login. */
  id: string;
  /** What a button that leads there reads. */
  name: string;
  issuer: string;
  clientId: string;
  /** The key of the secret setting that holds the client's secret; left out: a public client. */
  clientSecretSetting?: string;
  /** What is asked for beside `openid`. */
  scopes?: string[];
  /** The claim that decides the role; left out: roles are given here. */
  roleClaim?: string;
  /** Values of it that make an administrator, one of support, a viewer; all others make a user. */
  adminValues?: string[];
  supportValues?: string[];
  viewerValues?: string[];
  /** Addresses of these domains alone; left out: of any. */
  allowedDomains?: string[];
  /** `trust`: a login by it asks for no code of ours; left out, or `ask`: it does where the account has a second factor. */
  secondFactor?: 'ask' | 'trust';
  /** Whether somebody with a proven address and without an account gets one. */
  createUsers: boolean;
}

const name = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength });

export const SingleSignOnSettings = {
  providers: defineSetting<OidcProvider[]>({
    key: 'auth.oidcProviders',
    schema: {
      type: 'array',
      maxItems: 20,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['id', 'name', 'issuer', 'clientId', 'createUsers'],
        properties: {
          id: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,39}$' },
          name: name(100),
          issuer: { type: 'string', maxLength: 500, pattern: '^https?://[^ ]+$' },
          clientId: name(255),
          clientSecretSetting: name(100),
          scopes: { type: 'array', maxItems: 20, items: { type: 'string', pattern: '^[!#-\\[\\]-~]{1,100}$' } },
          roleClaim: name(100),
          adminValues: { type: 'array', maxItems: 20, items: name(255) },
          supportValues: { type: 'array', maxItems: 20, items: name(255) },
          viewerValues: { type: 'array', maxItems: 20, items: name(255) },
          allowedDomains: { type: 'array', maxItems: 100, items: name(255) },
          secondFactor: { type: 'string', enum: ['ask', 'trust'] },
          createUsers: { type: 'boolean' },
        },
      },
    },
    default: [],
    description:
      'OpenID Connect providers by which people log in. The client secret stands in a secret setting of yours, which `clientSecretSetting` names. The redirect address is `mail.linkBase` with `/v1/auth/oidc/<id>/callback`.',
  }),
};
