import { HEADERS } from '../http/answer-headers';

const text = (description: string, rest: object = {}) => ({ description, schema: { type: 'string', maxLength: 8_192, ...rest } });

/** Every field that an answer's header may bear, with what it shows. */
export const FIELDS = {
  'X-Request-Id': text('The id of this call in the log: yours if it was sane, else one of ours.', { pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }),
  ETag: text('The version of what the answer shows: for `If-Match`.', { pattern: '^"[^"]+"$' }),
  Location: text('Where what was made is from now on.', { format: 'uri-reference' }),
  'Content-Disposition': text('The name of the file that it is.'),
  'Set-Cookie': text('What the browser keeps: the refresh token of its session, or what it carries to the end of a login. Or that it is over.'),
  'Cache-Control': text('How long the answer may be kept, and by whom.'),
  'Content-Security-Policy': text('What the page may load: what stands in it.'),
  Vary: text('Which fields of the request it depends on.'),
  Allow: text('The methods that the resource takes.'),
  'WWW-Authenticate': text('What credentials are taken (RFC 6750).', { pattern: '^Bearer ' }),
  'Retry-After': text('Seconds until it is worth another attempt.', { pattern: '^[0-9]+$' }),
  'RateLimit-Policy': text('The limits in force (draft-ietf-httpapi-ratelimit-headers).'),
  RateLimit: text('What is left of them.'),
  'Idempotency-Replayed': text('The answer is that of an earlier call with the same `Idempotency-Key`.', { enum: ['true'] }),
  'Preference-Applied': text('The `Prefer` that was followed.', { pattern: '^wait=[0-9]+$' }),
  'X-User-Id': text('The user who paid.', { pattern: '^[0-9]+$' }),
  'X-User-Tier': text("The user's tier."),
  'X-Charge-Id': text('The request in the ledger that this charge is.', { format: 'uuid' }),
  'X-Quota-Draws': text("What of the cost the day's own units did not pay, in the order in which it was drawn: `grant;id=7;units=3`."),
  'X-Quota-Shadow': text('The code of the refusal that this charge would have been, were its limits not tried out only.', {
    enum: ['quota-exceeded', 'limit-exceeded', 'too-many-in-flight'],
  }),
  'X-Quota-Uncounted': text(
    'Units that were let through uncounted, because the database could not answer and `gateway.failMode` is `open`. Then there is no charge, and no tier.',
    {
      pattern: '^[1-9][0-9]*$',
    },
  ),
  'X-Read-As-Of': text('The answer comes from a replica: it has all that was committed until then. Without it, it comes from the primary.', {
    format: 'date-time',
  }),
  'X-Accel-Buffering': text('Keeps proxies from holding a stream back.', { enum: ['no'] }),
  'X-Quota-Status': text('The status that the refusal has without `denyStatus`.', { pattern: '^[45][0-9]{2}$' }),
};

export type FieldName = keyof typeof FIELDS;

/** What every answer bears beside the fields of its own. */
export const GENERAL_FIELDS = ['X-Request-Id'] as const satisfies readonly FieldName[];

/** Fields without news, on every answer: stated once for all of them. */
export const CONSTANT_FIELDS = Object.fromEntries(Object.entries(HEADERS).map(([name, value]) => [name, { type: 'string', const: value }]));

/** `X-Y?` → its name, and that it may be missing. */
export function readField(written: string): { name: FieldName; optional: boolean } {
  const optional = written.endsWith('?');
  return { name: (optional ? written.slice(0, -1) : written) as FieldName, optional };
}

/** The fields as references into the document, beside those of every answer. */
export function fieldReferences(written: readonly string[]): Record<string, object> {
  const references: Record<string, object> = {};
  for (const field of [...GENERAL_FIELDS, ...written]) {
    const { name, optional } = readField(field);
    references[name] = { $ref: `#/components/headers/${name}${optional ? '.optional' : ''}` };
  }
  return references;
}

/** What the references lead to: each field as one that is always there, and as one that may be missing. */
export function fieldComponents(used: ReadonlySet<string>): Record<string, object> {
  const all = Object.entries(FIELDS).flatMap(([name, field]) => [
    [name, { ...field, required: true }] as const,
    [`${name}.optional`, { ...field, required: false }] as const,
  ]);
  return Object.fromEntries<object>(all.filter(([name]) => used.has(name)));
}

/**
 * What an answer may bear beside its own, whatever it is: to a page of another origin, where the setting `http.corsOrigins` names it; and, where
 * calls are traced, the span that the call is (W3C Trace Context, level 2).
 */
export const PAGE_FIELDS = Object.fromEntries(
  ['vary', 'access-control-allow-origin', 'access-control-expose-headers', 'traceresponse'].map((name) => [name, { type: 'string', maxLength: 8_192 }]),
);

/** What answers of a service that goes by a test clock bear beside their own. */
export const TEST_CLOCK_FIELDS = { 'x-test-clock': { type: 'string', const: 'true' } };
