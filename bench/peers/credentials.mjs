import { createHash } from 'node:crypto';

/** Who has which API key, read once: the peers pay less for authentication than we do, and nothing for revocation. */
export async function readCredentials(pool) {
  const { rows } = await pool.query(`SELECT encode(key_hash, 'hex') AS hash, user_id FROM api_keys`);
  const users = new Map(rows.map(({ hash, user_id }) => [hash, user_id]));
  return (authorization) =>
    users.get(
      createHash('sha256')
        .update(authorization?.slice(7) ?? '')
        .digest('hex'),
    );
}
