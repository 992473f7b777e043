// A Node rate limiter on PostgreSQL, rate-limiter-flexible, behind bare Fastify: consume a point, then record the request.
// Two commits, so a crash between them leaves a charge without its request; no calendar day, no validation but a schema.
import Fastify from 'fastify';
import pg from 'pg';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import { readCredentials } from './credentials.mjs';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 });
pool.on('error', () => undefined);
const userOf = await readCredentials(pool);
const limiter = await new Promise((resolve, reject) => {
  const made = new RateLimiterPostgres({ storeClient: pool, storeType: 'pool', tableName: 'limits', points: 2_000_000_000, duration: 86_400 }, (error) =>
    error ? reject(error) : resolve(made),
  );
});

const app = Fastify();
const body = {
  type: 'object',
  required: ['type'],
  properties: { type: { type: 'string', maxLength: 50 }, payload: { type: 'object' } },
};
app.get('/health/ready', () => ({ status: 'ready' }));
app.post('/v1/requests', { schema: { body } }, async (request, reply) => {
  const userId = userOf(request.headers.authorization);
  if (userId === undefined) return reply.code(401).send();
  try {
    await limiter.consume(String(userId), 1);
  } catch (refusal) {
    if (refusal instanceof Error) throw refusal;
    return reply
      .code(429)
      .header('retry-after', Math.ceil(refusal.msBeforeNext / 1_000))
      .send();
  }
  const { type, payload = {} } = /** @type {{ type: string, payload?: object }} */ (request.body);
  const { rows } = await pool.query({
    name: 'insert',
    text: `INSERT INTO requests (user_id, type, cost, charged_on, payload) VALUES ($1, $2, 1, CURRENT_DATE, $3) RETURNING id, type, status, payload, created_at`,
    values: [userId, type, JSON.stringify(payload)],
  });
  return reply.code(201).send(rows[0]);
});
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
process.once('SIGTERM', () => process.exit(0));
