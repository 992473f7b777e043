import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** As TypeORM writes it. */
const GENERATED = `import { MigrationInterface, QueryRunner } from "typeorm";

export class AddRank1795000000000 implements MigrationInterface {
    name = 'AddRank1795000000000'

    public async up(queryRunner: QueryRunner): Promise<void> {
        await queryRunner.query(\`CREATE TABLE "shelves" ("id" integer NOT NULL, CONSTRAINT "shelves_check" CHECK (id > 0))\`);
        await queryRunner.query(\`CREATE INDEX "shelves_idx" ON "shelves"  ("id") \`);
        await queryRunner.query(\`ALTER TABLE "tiers" ADD "label" character varying(50)\`);
        await queryRunner.query(\`ALTER TABLE "tiers" ADD CONSTRAINT "tiers_rank_check" CHECK (rank > 0)\`);
        await queryRunner.query(\`ALTER TABLE "tiers" ADD CONSTRAINT "tiers_rank_key" UNIQUE ("rank")\`);
        await queryRunner.query(\`CREATE INDEX "tiers_rank_idx" ON "tiers"  ("rank") \`);
    }

    public async down(queryRunner: QueryRunner): Promise<void> {
        await queryRunner.query(\`DROP INDEX "public"."tiers_rank_idx"\`);
        await queryRunner.query(\`ALTER TABLE "tiers" DROP CONSTRAINT "tiers_rank_key"\`);
        await queryRunner.query(\`ALTER TABLE "tiers" DROP CONSTRAINT "tiers_rank_check"\`);
        await queryRunner.query(\`ALTER TABLE "tiers" DROP COLUMN "label"\`);
        await queryRunner.query(\`DROP INDEX "public"."shelves_idx"\`);
        await queryRunner.query(\`DROP TABLE "shelves"\`);
    }

}
`;

describe('npm run migration:generate', () => {
  it('writes as this house does: what has to read a table that is there comes second, and without a transaction', () => {
    const folder = mkdtempSync(join(tmpdir(), 'quotidian-migration-'));
    writeFileSync(join(folder, '1795000000000-add-rank.ts'), GENERATED);
    const script = `import { dress } from './scripts/generated-migration.mjs'; await dress(process.argv[1]);`;
    const options = { cwd: join(__dirname, '..'), encoding: 'utf8' as const };
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, join(folder, '1795000000000-add-rank.ts')], options);
    const texts = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]);
    rmSync(folder, { recursive: true });
    expect([stderr, texts.map(([name]) => name)]).toEqual(['', ['1795000000000-add-rank.ts', '1795000000001-validate-add-rank.ts']]);
    const [first, second] = texts.map(([, text]) => ({ up: statements(text.split('async down')[0]), down: statements(text.split('async down')[1]) }));
    expect(first.up).toEqual([
      'CREATE TABLE "shelves" ("id" integer NOT NULL, CONSTRAINT "shelves_check" CHECK (id > 0))',
      'CREATE INDEX "shelves_idx" ON "shelves"  ("id")',
      'ALTER TABLE "tiers" ADD "label" varchar(50)',
      'ALTER TABLE "tiers" ADD CONSTRAINT "tiers_rank_check" CHECK (rank > 0) NOT VALID',
    ]);
    expect(first.down).toEqual([
      'ALTER TABLE "tiers" DROP CONSTRAINT "tiers_rank_check"',
      'ALTER TABLE "tiers" DROP COLUMN "label"',
      'DROP INDEX "shelves_idx"',
      'DROP TABLE "shelves"',
    ]);
    expect(second.up).toEqual([
      'ALTER TABLE "tiers" VALIDATE CONSTRAINT "tiers_rank_check"',
      'DROP INDEX IF EXISTS "tiers_rank_key"',
      'CREATE UNIQUE INDEX "tiers_rank_key" ON "tiers" ("rank")',
      'ALTER TABLE "tiers" ADD CONSTRAINT "tiers_rank_key" UNIQUE USING INDEX "tiers_rank_key"',
      'DROP INDEX IF EXISTS "tiers_rank_idx"',
      'CREATE INDEX "tiers_rank_idx" ON "tiers" ("rank")',
    ]);
    expect(second.down).toEqual(['ALTER TABLE "tiers" DROP CONSTRAINT "tiers_rank_key"', 'DROP INDEX IF EXISTS "tiers_rank_idx"']);
    expect(texts[1][1]).toContain('transaction = false;');
  });
});

/** What a part of a migration sends, with that which is run CONCURRENTLY. */
function statements(text: string): string[] {
  const body = text.split('/** TypeORM takes')[0];
  const sent = body.matchAll(/queryRunner\.query\(\s*`([^`]*)`|run\(\s*queryRunner,\s*['"]([^'"]*)['"],\s*['`]([^'`]*)['`],?\s*\)/g);
  return [...sent].map(([, sql, what, index]) => sql ?? `${what} ${index}`);
}
