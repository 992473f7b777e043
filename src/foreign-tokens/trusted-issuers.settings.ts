import { defineSetting } from '../settings/setting';

/** Whose tokens are taken, and what of them counts. */
export interface TrustedIssuer {
  issuer: string;
  audience: string;
  /** Left out: found by the issuer's discovery document. */
  jwksUri?: string;
  /** The claim that names the user. */
  userClaim: string;
  /** The claim that names the user's plan. */
  tierClaim?: string;
  /** Whether somebody who was not seen before gets an account. */
  createUsers: boolean;
}

const URL = { type: 'string', maxLength: 500, pattern: '^https?://[^ ]+$' };
const CLAIM = { type: 'string', minLength: 1, maxLength: 100 };

export const TrustedIssuerSettings = {
  trustedIssuers: defineSetting<TrustedIssuer[]>({
    key: 'auth.trustedIssuers',
    schema: {
      type: 'array',
      maxItems: 20,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['issuer', 'audience', 'userClaim', 'createUsers'],
        properties: {
          issuer: URL,
          audience: { type: 'string', minLength: 1, maxLength: 500 },
          jwksUri: URL,
          userClaim: CLAIM,
          tierClaim: CLAIM,
          createUsers: { type: 'boolean' },
        },
      },
    },
    default: [],
    description:
      'Identity providers whose JWTs are bearers like our own: by `issuer` and `audience`, with keys from `jwksUri` or the discovery document; `userClaim` names the user, `tierClaim` the plan; `createUsers` makes accounts of those who come for the first time.',
  }),
  allowHttp: defineSetting<boolean>({
    key: 'auth.allowHttpIssuers',
    schema: { type: 'boolean' },
    default: false,
    description:
      'Whether keys and documents of identity providers may be fetched without TLS: for tests alone, since whoever is on the way can then be anybody.',
  }),
};
