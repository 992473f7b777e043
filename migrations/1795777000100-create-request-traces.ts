import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Where the submit of a request stands in its trace. Written by processes that trace alone, and not worth a log of its own: a crash of the server empties it. */
export class CreateRequestTraces1795777000100 implements MigrationInterface {
  name = 'CreateRequestTraces1795777000100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE UNLOGGED TABLE request_traces (
        request_id uuid NOT NULL,
        traceparent varchar(55) NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT request_traces_pkey PRIMARY KEY (request_id)
      )
    `);
    await queryRunner.query(`CREATE INDEX request_traces_created_at_idx ON request_traces (created_at)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE request_traces`);
  }
}
