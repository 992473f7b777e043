import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * Plans by reference: an edit or a new name of a plan is in force with its own commit, for every reader, and reaches the
 * copies in `users` afterwards, in batches. New columns have constant defaults, so no table is rewritten; the locks are held
 * for an instant. See docs/decisions/plans-by-reference.md.
 */
export class ReferToPlans1795740601000 implements MigrationInterface {
  name = 'ReferToPlans1795740601000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- One count for all plans, so that versions compare when a user changes theirs. Drawn under the plan's lock.
      CREATE SEQUENCE subscription_tier_versions AS integer
    `);
    await queryRunner.query(`
      ALTER TABLE subscription_tiers ADD COLUMN version integer NOT NULL DEFAULT 0, ADD COLUMN copied_version integer NOT NULL DEFAULT 0,
        ADD COLUMN edited_at timestamptz, ADD COLUMN alias_of integer
    `);
    await queryRunner.query(`
      ALTER TABLE users ADD COLUMN api_quota_version integer NOT NULL DEFAULT 0, ADD COLUMN next_quota_version integer NOT NULL DEFAULT 0
    `);
    await queryRunner.query(`ALTER TYPE quota_state ADD ATTRIBUTE base_version integer`);
    await queryRunner.query(`
      -- What is not in every row of users yet, by the name that the rows bear: [name, version, unlimited, daily_quota, edited_at].
      -- Null: everything is, which is nearly always so. A version of -1: the name alone is new.
      CREATE FUNCTION quota_plans() RETURNS jsonb
      LANGUAGE plpgsql STABLE AS $$
      BEGIN
        RETURN (
          SELECT jsonb_object_agg(t.name, jsonb_build_array(p.name,
            CASE WHEN p.copied_version < p.version THEN p.version ELSE -1 END, p.unlimited, p.daily_quota, p.edited_at))
          FROM subscription_tiers t JOIN subscription_tiers p ON p.id = coalesce(t.alias_of, t.id)
          WHERE t.alias_of IS NOT NULL OR t.copied_version < t.version
        );
      END $$
    `);
    await queryRunner.query(`
      -- The one projection of (counter, quota, override, plan, clock) that every reader shares.
      CREATE FUNCTION quota_of(u users, default_zone text, plans jsonb) RETURNS quota_state
      LANGUAGE plpgsql STABLE AS $$
      DECLARE
        q quota_state;
        today date;
        ended_at timestamptz;
        plan jsonb;
      BEGIN
        q.user_id := u.id;
        IF u.time_zone IS NULL OR u.time_zone = default_zone THEN
          q.zone := default_zone;
          today := now() AT TIME ZONE default_zone;
        ELSE
          -- The only zone here that nobody vouches for. One that is unknown must not fail the statement that reads others too.
          BEGIN
            today := now() AT TIME ZONE u.time_zone;
            q.zone := u.time_zone;
          EXCEPTION WHEN invalid_parameter_value THEN
            today := now() AT TIME ZONE default_zone;
            q.zone := default_zone;
          END;
        END IF;
        IF u.quota_reset_zone IS NULL OR u.quota_reset_zone = q.zone OR NOT quota_zone_known(u.quota_reset_zone) THEN
          q.period_zone := q.zone;
          q.closed := today > u.quota_reset_date;
        ELSE
          q.period_zone := u.quota_reset_zone;
          q.closed := now() >= quota_period_end(u.quota_reset_date, q.period_zone, q.zone);
        END IF;
        q.tier := u.subscription_tier;
        q.base_unlimited := u.api_quota_unlimited;
        q.base_quota := u.api_quota_daily;
        q.base_version := u.api_quota_version;
        IF q.closed THEN
          -- Only an override asks when exactly the day ended, and that costs more than all the rest.
          IF u.quota_override_expires_at IS NOT NULL THEN
            ended_at := quota_period_end(u.quota_reset_date, q.period_zone, q.zone);
          END IF;
          q.closed_quota := CASE
            WHEN u.quota_override_expires_at >= ended_at THEN u.quota_override_daily
            WHEN NOT u.api_quota_unlimited THEN u.api_quota_daily
          END;
          IF plans ? u.subscription_tier AND NOT u.api_quota_custom THEN
            -- The day that is over had what its plan was edited to before it ended.
            plan := plans -> u.subscription_tier;
            ended_at := coalesce(ended_at, quota_period_end(u.quota_reset_date, q.period_zone, q.zone));
            IF (plan ->> 1)::integer > u.api_quota_version AND (plan ->> 4)::timestamptz < ended_at
               AND coalesce(u.quota_override_expires_at < ended_at, true) THEN
              q.closed_quota := (plan ->> 3)::integer;
            END IF;
          END IF;
          q.day := today;
          q.period_zone := q.zone;
          -- Westward over the date line a second period can bear the name of the first.
          q.fold := CASE WHEN today = u.quota_reset_date THEN 1 ELSE 0 END;
          q.used := 0;
          q.refunded := 0;
          q.requests := 0;
          IF u.next_subscription_tier IS NOT NULL THEN
            q.tier := u.next_subscription_tier;
            IF NOT u.api_quota_custom THEN
              q.base_unlimited := u.next_quota_unlimited;
              q.base_quota := coalesce(u.next_quota_daily, q.base_quota);
              q.base_version := u.next_quota_version;
            END IF;
          END IF;
        ELSE
          q.day := u.quota_reset_date;
          q.fold := u.quota_reset_fold;
          q.used := u.api_quota_used_today;
          q.refunded := u.api_quota_refunded_today;
          q.requests := u.api_quota_requests_today;
        END IF;
        IF plans ? q.tier THEN
          -- Of the row and the plan the newer version counts: a statement that waited for the row finds what others copied there
          -- after its snapshot, one that did not finds the plan that is not copied yet. So the quota of a user never goes back.
          plan := plans -> q.tier;
          q.tier := plan ->> 0;
          IF NOT u.api_quota_custom AND (plan ->> 1)::integer > q.base_version THEN
            q.base_version := plan ->> 1;
            q.base_unlimited := plan ->> 2;
            q.base_quota := coalesce((plan ->> 3)::integer, q.base_quota);
          END IF;
        END IF;
        IF now() < u.quota_override_expires_at THEN
          q.overridden := true;
          q.unlimited := u.quota_override_unlimited;
          q.quota := CASE WHEN u.quota_override_unlimited THEN q.base_quota ELSE u.quota_override_daily END;
        ELSE
          q.overridden := false;
          q.unlimited := q.base_unlimited;
          q.quota := q.base_quota;
        END IF;
        RETURN q;
      END $$
    `);
    await queryRunner.query(`
      -- For replicas of the release before, while they are replaced: it asks for the plans once a row.
      CREATE OR REPLACE FUNCTION quota_of(u users, default_zone text) RETURNS quota_state
      LANGUAGE sql STABLE AS $$
        SELECT quota_of(u, default_zone, quota_plans())
      $$
    `);
    await queryRunner.query(`
      CREATE OR REPLACE VIEW quota_now AS
      SELECT u.id AS user_id, q.zone, q.closed, q.day, q.period_zone, q.fold, q.used, q.refunded, q.requests, q.tier, q.base_unlimited, q.base_quota, q.overridden, q.unlimited, q.quota, q.closed_quota,
        quota_day_start(q.day, q.period_zone) AS starts_at, quota_period_end(q.day, q.period_zone, q.zone) AS ends_at
      FROM users u CROSS JOIN LATERAL quota_of(u, (SELECT quota_default_zone()), (SELECT quota_plans())) q
    `);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION quota_close_out(ids integer[]) RETURNS integer
      LANGUAGE sql VOLATILE AS $$
        WITH account AS MATERIALIZED (
          SELECT quota_of(u, (SELECT quota_default_zone()), (SELECT quota_plans())) AS q, u.quota_reset_date, u.api_quota_used_today,
            u.api_quota_refunded_today, u.api_quota_requests_today
          FROM users u WHERE u.id = ANY (ids) ORDER BY u.id FOR NO KEY UPDATE
        ), archived AS (
          INSERT INTO quota_usage (user_id, date, quota, used, refunded, requests)
          SELECT (a.q).user_id, a.quota_reset_date, (a.q).closed_quota, a.api_quota_used_today,
            a.api_quota_refunded_today, a.api_quota_requests_today
          FROM account a WHERE (a.q).closed AND a.api_quota_requests_today + a.api_quota_used_today > 0
          ON CONFLICT (user_id, date) DO UPDATE SET used = quota_usage.used + excluded.used,
            refunded = quota_usage.refunded + excluded.refunded, requests = quota_usage.requests + excluded.requests
        ), opened AS (
          UPDATE users u SET quota_reset_date = (a.q).day, quota_reset_zone = (a.q).period_zone,
            quota_reset_fold = (a.q).fold, api_quota_used_today = 0, api_quota_refunded_today = 0,
            api_quota_requests_today = 0, subscription_tier = (a.q).tier, next_subscription_tier = NULL,
            api_quota_unlimited = (a.q).base_unlimited, api_quota_daily = (a.q).base_quota, api_quota_version = (a.q).base_version
          FROM account a WHERE u.id = (a.q).user_id AND (a.q).closed
          RETURNING u.id
        )
        SELECT count(*)::integer FROM opened
      $$
    `);
    await queryRunner.query(`
      -- Copies what their plans are now into these users: closes a day that is over first, with the quota it had. Takes the
      -- rows that nobody holds, and returns how many it changed.
      CREATE FUNCTION quota_copy_plans(ids integer[]) RETURNS integer
      LANGUAGE plpgsql VOLATILE AS $$
      DECLARE
        held integer[] := ARRAY(SELECT u.id FROM users u WHERE u.id = ANY (ids) ORDER BY u.id FOR NO KEY UPDATE SKIP LOCKED);
        changed integer;
      BEGIN
        PERFORM quota_close_out(held);
        WITH account AS (
          SELECT quota_of(u, (SELECT quota_default_zone()), s.plans) AS q, s.plans -> u.next_subscription_tier AS next
          FROM users u CROSS JOIN (SELECT quota_plans() AS plans OFFSET 0) s WHERE u.id = ANY (held)
        ), copied AS (
          UPDATE users u SET subscription_tier = (a.q).tier, api_quota_unlimited = (a.q).base_unlimited, api_quota_daily = (a.q).base_quota,
            api_quota_version = (a.q).base_version, next_subscription_tier = coalesce(a.next ->> 0, u.next_subscription_tier),
            next_quota_unlimited = CASE WHEN (a.next ->> 1)::integer > u.next_quota_version THEN (a.next ->> 2)::boolean ELSE u.next_quota_unlimited END,
            next_quota_daily = CASE WHEN (a.next ->> 1)::integer > u.next_quota_version THEN (a.next ->> 3)::integer ELSE u.next_quota_daily END,
            next_quota_version = greatest((a.next ->> 1)::integer, u.next_quota_version)
          FROM account a WHERE u.id = (a.q).user_id
            AND (u.subscription_tier <> (a.q).tier OR u.api_quota_version <> (a.q).base_version OR a.next IS NOT NULL)
          RETURNING u.id
        ) SELECT count(*) INTO changed FROM copied;
        RETURN changed;
      END $$
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    // The copies are what the old release goes by: they are brought up to date first.
    await queryRunner.query(`SELECT quota_copy_plans(ARRAY(SELECT id FROM users)) WHERE (SELECT quota_plans()) IS NOT NULL`);
    await queryRunner.query(`DELETE FROM subscription_tiers WHERE alias_of IS NOT NULL`);
    await queryRunner.query(`DROP FUNCTION quota_copy_plans(integer[])`);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION quota_of(u users, default_zone text) RETURNS quota_state
      LANGUAGE plpgsql STABLE AS $$
      DECLARE
        q quota_state;
        today date;
        ended_at timestamptz;
      BEGIN
        q.user_id := u.id;
        IF u.time_zone IS NULL OR u.time_zone = default_zone THEN
          q.zone := default_zone;
          today := now() AT TIME ZONE default_zone;
        ELSE
          -- The only zone here that nobody vouches for. One that is unknown must not fail the statement that reads others too.
          BEGIN
            today := now() AT TIME ZONE u.time_zone;
            q.zone := u.time_zone;
          EXCEPTION WHEN invalid_parameter_value THEN
            today := now() AT TIME ZONE default_zone;
            q.zone := default_zone;
          END;
        END IF;
        IF u.quota_reset_zone IS NULL OR u.quota_reset_zone = q.zone OR NOT quota_zone_known(u.quota_reset_zone) THEN
          q.period_zone := q.zone;
          q.closed := today > u.quota_reset_date;
        ELSE
          q.period_zone := u.quota_reset_zone;
          q.closed := now() >= quota_period_end(u.quota_reset_date, q.period_zone, q.zone);
        END IF;
        q.tier := u.subscription_tier;
        q.base_unlimited := u.api_quota_unlimited;
        q.base_quota := u.api_quota_daily;
        IF q.closed THEN
          -- Only an override asks when exactly the day ended, and that costs more than all the rest.
          IF u.quota_override_expires_at IS NOT NULL THEN
            ended_at := quota_period_end(u.quota_reset_date, q.period_zone, q.zone);
          END IF;
          q.closed_quota := CASE
            WHEN u.quota_override_expires_at >= ended_at THEN u.quota_override_daily
            WHEN NOT u.api_quota_unlimited THEN u.api_quota_daily
          END;
          q.day := today;
          q.period_zone := q.zone;
          -- Westward over the date line a second period can bear the name of the first.
          q.fold := CASE WHEN today = u.quota_reset_date THEN 1 ELSE 0 END;
          q.used := 0;
          q.refunded := 0;
          q.requests := 0;
          IF u.next_subscription_tier IS NOT NULL THEN
            q.tier := u.next_subscription_tier;
            IF NOT u.api_quota_custom THEN
              -- From the row, not from the tier: an edit of the tier is seen with the row's lock, whatever the snapshot.
              q.base_unlimited := u.next_quota_unlimited;
              q.base_quota := coalesce(u.next_quota_daily, q.base_quota);
            END IF;
          END IF;
        ELSE
          q.day := u.quota_reset_date;
          q.fold := u.quota_reset_fold;
          q.used := u.api_quota_used_today;
          q.refunded := u.api_quota_refunded_today;
          q.requests := u.api_quota_requests_today;
        END IF;
        IF now() < u.quota_override_expires_at THEN
          q.overridden := true;
          q.unlimited := u.quota_override_unlimited;
          q.quota := CASE WHEN u.quota_override_unlimited THEN q.base_quota ELSE u.quota_override_daily END;
        ELSE
          q.overridden := false;
          q.unlimited := q.base_unlimited;
          q.quota := q.base_quota;
        END IF;
        RETURN q;
      END $$
    `);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION quota_close_out(ids integer[]) RETURNS integer
      LANGUAGE sql VOLATILE AS $$
        WITH account AS MATERIALIZED (
          SELECT quota_of(u, (SELECT quota_default_zone())) AS q, u.quota_reset_date, u.api_quota_used_today,
            u.api_quota_refunded_today, u.api_quota_requests_today
          FROM users u WHERE u.id = ANY (ids) ORDER BY u.id FOR NO KEY UPDATE
        ), archived AS (
          INSERT INTO quota_usage (user_id, date, quota, used, refunded, requests)
          SELECT (a.q).user_id, a.quota_reset_date, (a.q).closed_quota, a.api_quota_used_today,
            a.api_quota_refunded_today, a.api_quota_requests_today
          FROM account a WHERE (a.q).closed AND a.api_quota_requests_today + a.api_quota_used_today > 0
          ON CONFLICT (user_id, date) DO UPDATE SET used = quota_usage.used + excluded.used,
            refunded = quota_usage.refunded + excluded.refunded, requests = quota_usage.requests + excluded.requests
        ), opened AS (
          UPDATE users u SET quota_reset_date = (a.q).day, quota_reset_zone = (a.q).period_zone,
            quota_reset_fold = (a.q).fold, api_quota_used_today = 0, api_quota_refunded_today = 0,
            api_quota_requests_today = 0, subscription_tier = (a.q).tier, next_subscription_tier = NULL,
            api_quota_unlimited = (a.q).base_unlimited, api_quota_daily = (a.q).base_quota
          FROM account a WHERE u.id = (a.q).user_id AND (a.q).closed
          RETURNING u.id
        )
        SELECT count(*)::integer FROM opened
      $$
    `);
    await queryRunner.query(`
      CREATE OR REPLACE VIEW quota_now AS
      SELECT u.id AS user_id, q.zone, q.closed, q.day, q.period_zone, q.fold, q.used, q.refunded, q.requests, q.tier, q.base_unlimited, q.base_quota, q.overridden, q.unlimited, q.quota, q.closed_quota,
        quota_day_start(q.day, q.period_zone) AS starts_at, quota_period_end(q.day, q.period_zone, q.zone) AS ends_at
      FROM users u CROSS JOIN LATERAL quota_of(u, (SELECT quota_default_zone())) q
    `);
    await queryRunner.query(`DROP FUNCTION quota_of(users, text, jsonb)`);
    await queryRunner.query(`DROP FUNCTION quota_plans()`);
    await queryRunner.query(`ALTER TYPE quota_state DROP ATTRIBUTE base_version`);
    await queryRunner.query(`ALTER TABLE users DROP COLUMN api_quota_version, DROP COLUMN next_quota_version`);
    await queryRunner.query(`ALTER TABLE subscription_tiers DROP COLUMN version, DROP COLUMN copied_version, DROP COLUMN edited_at, DROP COLUMN alias_of`);
    await queryRunner.query(`DROP SEQUENCE subscription_tier_versions`);
  }
}
