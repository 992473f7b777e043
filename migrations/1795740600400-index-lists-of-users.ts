import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Each with the id, so that a page of a list is read in its order and no longer than it is. None holds a column that a charge changes. */
const NEW = [
  'users_subscription_tier_id_idx ON users (subscription_tier, id)',
  'users_next_subscription_tier_id_idx ON users (next_subscription_tier, id) WHERE next_subscription_tier IS NOT NULL',
  `users_admin_id_idx ON users (id) WHERE role = 'admin'`,
  `users_suspended_id_idx ON users (id) WHERE status = 'suspended'`,
];
const OLD = [
  'users_subscription_tier_idx ON users (subscription_tier)',
  'users_next_subscription_tier_idx ON users (next_subscription_tier) WHERE next_subscription_tier IS NOT NULL',
];

/** Lists of users by plan or status, and the look for another administrator, without reading all users. Nothing is locked: CONCURRENTLY, so in no transaction. */
export class IndexListsOfUsers1795740600400 implements MigrationInterface {
  name = 'IndexListsOfUsers1795740600400';
  transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    await replace(queryRunner, OLD, NEW);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await replace(queryRunner, NEW, OLD);
  }
}

/** An index whose making was interrupted is left invalid: it is dropped before it is made again. TypeORM takes migrations back in a transaction. */
async function replace(queryRunner: QueryRunner, before: string[], after: string[]): Promise<void> {
  const concurrently = queryRunner.isTransactionActive ? '' : 'CONCURRENTLY';
  const run = (sql: string) => queryRunner.query(`-- squawk-ignore ban-concurrent-index-creation-in-transaction\n${sql}`);
  for (const index of after) {
    await run(`DROP INDEX ${concurrently} IF EXISTS ${nameOf(index)}`);
    await run(`CREATE INDEX ${concurrently} ${index}`);
  }
  for (const index of before) await run(`DROP INDEX ${concurrently} IF EXISTS ${nameOf(index)}`);
}

function nameOf(index: string): string {
  return index.slice(0, index.indexOf(' '));
}
