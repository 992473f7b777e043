import { type MigrationInterface, type QueryRunner } from 'typeorm';

const AT_ANY = [
  'IF u.next_subscription_tier IS NOT NULL THEN',
  'IF u.next_subscription_tier IS NOT NULL AND coalesce(q.day >= u.next_tier_from, true) THEN',
] as const;
const KEPT = ['next_subscription_tier = NULL,', 'next_subscription_tier = CASE WHEN u.next_tier_from > (a.q).day THEN u.next_subscription_tier END,'] as const;

/**
 * The first day of a change of plan that waits. A change is carried out by whatever begins the day, as before: the projection looks at the date as well,
 * and the close-out keeps what is not due. Both functions are changed where they stand, so that what other migrations made of them is kept.
 */
export class SetDatesOfPlanChanges1795771000100 implements MigrationInterface {
  name = 'SetDatesOfPlanChanges1795771000100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE users ADD COLUMN next_tier_from date`);
    // Beyond, no instant of it can be reckoned, and no list that shows its user answered. Validated in the next migration.
    await queryRunner.query(
      `ALTER TABLE users ADD CONSTRAINT users_next_tier_from_check CHECK (next_tier_from BETWEEN '1970-01-01' AND '9999-12-30') NOT VALID`,
    );
    await replace(queryRunner, 'quota_of(users, text, jsonb)', ...AT_ANY);
    await replace(queryRunner, 'quota_close_out(integer[])', ...KEPT);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await replace(queryRunner, 'quota_close_out(integer[])', KEPT[1], KEPT[0]);
    await replace(queryRunner, 'quota_of(users, text, jsonb)', AT_ANY[1], AT_ANY[0]);
    await queryRunner.query(`ALTER TABLE users DROP COLUMN next_tier_from`);
  }
}

async function replace(queryRunner: QueryRunner, name: string, before: string, after: string): Promise<void> {
  const rows = (await queryRunner.query(`SELECT pg_get_functiondef(to_regprocedure($1)) AS text`, [name])) as { text: string }[] | undefined;
  const text = rows?.[0]?.text;
  // Where statements are collected to be linted, nothing answers.
  if (text === undefined) return;
  if (!text.includes(before)) throw new Error(`${name} is not as this migration knows it: ${before} is missing.`);
  await queryRunner.query(text.replace(before, after));
}
