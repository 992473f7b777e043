import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Nobody listens for an endpoint that is gone, whoever took it away: the service, the removal of its user, or plain SQL. */
export class EndListeningWithTheEndpoint1795751100200 implements MigrationInterface {
  name = 'EndListeningWithTheEndpoint1795751100200';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE FUNCTION end_listening_with_the_endpoint() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        DELETE FROM event_listeners WHERE source = 'endpoint:' || OLD.id;
        RETURN NULL;
      END $$
    `);
    await queryRunner.query(`
      CREATE TRIGGER webhook_endpoints_end_listening AFTER DELETE ON webhook_endpoints FOR EACH ROW EXECUTE FUNCTION end_listening_with_the_endpoint()
    `);
    // Endpoints that were made before events were recorded.
    await queryRunner.query(`
      INSERT INTO event_listeners (user_id, type, source)
      SELECT coalesce(user_id, 0), type, 'endpoint:' || id FROM webhook_endpoints, unnest(events) AS type WHERE enabled ON CONFLICT DO NOTHING
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TRIGGER webhook_endpoints_end_listening ON webhook_endpoints`);
    await queryRunner.query(`DROP FUNCTION end_listening_with_the_endpoint()`);
    await queryRunner.query(`DELETE FROM event_listeners WHERE source LIKE 'endpoint:%'`);
  }
}
