import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * How much of a user may be under way at once. It is counted from the requests themselves, so whatever ends one releases it. New
 * columns have constant defaults, so no table is rewritten; the checks are validated in the next migration. `tier_forms()` reads a plan's
 * columns by their names, and knows these already.
 */
export class LimitUnitsInFlight1795770000100 implements MigrationInterface {
  name = 'LimitUnitsInFlight1795770000100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE subscription_tiers ADD COLUMN max_in_flight integer, ADD COLUMN max_in_flight_by_type jsonb`);
    await queryRunner.query(`ALTER TABLE subscription_tiers ADD CONSTRAINT subscription_tiers_max_in_flight_check CHECK (max_in_flight > 0) NOT VALID`);
    await queryRunner.query(`
      ALTER TABLE subscription_tiers ADD CONSTRAINT subscription_tiers_max_in_flight_by_type_check
        CHECK (jsonb_typeof(max_in_flight_by_type) = 'object' AND NOT jsonb_path_exists(max_in_flight_by_type,
          'strict $.* ? (!(@.type() == "number" && @ >= 1 && @ <= 2147483647 && @.floor() == @))')) NOT VALID
    `);
    await queryRunner.query(`ALTER TABLE users ADD COLUMN max_in_flight integer`);
    await queryRunner.query(`ALTER TABLE users ADD CONSTRAINT users_max_in_flight_check CHECK (max_in_flight > 0) NOT VALID`);
    await queryRunner.query(`ALTER TABLE requests ADD COLUMN counts_in_flight boolean NOT NULL DEFAULT false`);
    await queryRunner.query(`
      -- A charge finds out by the mark that there is more to be held against than the counter.
      CREATE FUNCTION mark_own_forms() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        NEW.quota_forms := true;
        RETURN NEW;
      END $$
    `);
    await queryRunner.query(`
      CREATE TRIGGER users_mark_own_forms BEFORE INSERT OR UPDATE OF max_in_flight, quota_forms ON users
      FOR EACH ROW WHEN (NEW.max_in_flight IS NOT NULL AND NOT NEW.quota_forms) EXECUTE FUNCTION mark_own_forms()
    `);
    await queryRunner.query(`
      -- The limits of what a user may have in flight, of all types together (type null) and of single types, with what is in flight: units that
      -- were admitted and have not ended. What is past its deadline, or held under a lease that has run out, has ended, whoever notes it
      -- when. 10,000 requests fill every limit, whatever it is: a charge adds up no more. VOLATILE, so that it sees what others committed
      -- while the statement that asks waited for the user's row: under that lock nobody else adds to it.
      CREATE FUNCTION quota_in_flight(of_user integer, of_all integer, by_type jsonb)
      RETURNS TABLE (type text, ceiling integer, used bigint)
      LANGUAGE plpgsql VOLATILE AS $$
      #variable_conflict use_column
      BEGIN
        IF of_all IS NULL AND by_type IS NULL THEN
          RETURN;
        END IF;
        RETURN QUERY
          WITH flying AS MATERIALIZED (
            SELECT r.type::text AS type, r.cost FROM requests r
            WHERE r.user_id = of_user AND r.counts_in_flight AND r.status IN ('pending', 'processing')
              AND coalesce(r.deadline_at > now(), true) AND NOT coalesce(r.held AND r.lease_expires_at <= now(), false)
            LIMIT 10000
          ), flown AS (
            SELECT f.type, sum(f.cost) AS units FROM flying f GROUP BY ROLLUP (f.type)
          )
          SELECT b.type, b.ceiling, (CASE WHEN (SELECT count(*) FROM flying) < 10000 THEN coalesce(f.units, 0) ELSE greatest(f.units, b.ceiling) END)::bigint
          FROM (
            SELECT NULL::text AS type, of_all AS ceiling WHERE of_all IS NOT NULL
            UNION ALL SELECT t.key, t.value::integer FROM jsonb_each_text(by_type) t
          ) b LEFT JOIN flown f ON f.type IS NOT DISTINCT FROM b.type;
      END $$
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP FUNCTION quota_in_flight(integer, integer, jsonb)`);
    await queryRunner.query(`DROP TRIGGER users_mark_own_forms ON users`);
    await queryRunner.query(`DROP FUNCTION mark_own_forms()`);
    await queryRunner.query(`ALTER TABLE requests DROP COLUMN counts_in_flight`);
    await queryRunner.query(`ALTER TABLE users DROP COLUMN max_in_flight`);
    await queryRunner.query(`ALTER TABLE subscription_tiers DROP COLUMN max_in_flight, DROP COLUMN max_in_flight_by_type`);
  }
}
