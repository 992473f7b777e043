import { type MigrationInterface, type QueryRunner } from 'typeorm';

const rule = (roles: string[]) => `CHECK (role IN (${roles.map((role) => `'${role}'`).join(', ')}))`;
/** What a key could do by its user's role ends with that role; a promotion to administrator leaves it. */
const ENDS = `OLD.role <> 'user' AND NEW.role <> OLD.role AND NEW.role <> 'admin'`;
const ENDED = `OLD.role = 'admin' AND NEW.role <> 'admin'`;

/** Two more roles. No row can break the wider rule; it is validated in the next migration, without a lock that others wait for. */
export class AddRolesOfOperators1795762000200 implements MigrationInterface {
  name = 'AddRolesOfOperators1795762000200';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE users DROP CONSTRAINT users_role_check`);
    await queryRunner.query(`ALTER TABLE users ADD CONSTRAINT users_role_check ${rule(['user', 'viewer', 'support', 'admin'])} NOT VALID`);
    await queryRunner.query(trigger(ENDS));
  }

  /** Operators of the new roles are users again, and lose what their keys could do by the role. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`UPDATE users SET role = 'user' WHERE role IN ('viewer', 'support')`);
    await queryRunner.query(trigger(ENDED));
    await queryRunner.query(`ALTER TABLE users DROP CONSTRAINT users_role_check`);
    await queryRunner.query(`ALTER TABLE users ADD CONSTRAINT users_role_check ${rule(['user', 'admin'])}`);
  }
}

function trigger(when: string): string {
  return `CREATE OR REPLACE TRIGGER users_end_privileged_scopes AFTER UPDATE OF role ON users FOR EACH ROW WHEN (${when}) EXECUTE FUNCTION end_privileged_scopes()`;
}
