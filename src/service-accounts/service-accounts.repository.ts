import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type ServiceAccountDto } from './dto/service-account.dto';

const SELECT = `SELECT s.user_id AS id, s.name, u.role, u.status <> 'active' AS disabled, s.created_at AS "createdAt"
  FROM service_accounts s JOIN users u ON u.id = s.user_id WHERE u.status <> 'deleted'`;

@Injectable()
export class ServiceAccountsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** By id, from the one after `after` on. */
  list(after: number, count: number): Promise<ServiceAccountDto[]> {
    return this.dataSource.query(`${SELECT} AND s.user_id > $1 ORDER BY s.user_id LIMIT $2`, [after, count]);
  }

  async find(id: number, tx: EntityManager = this.dataSource.manager): Promise<ServiceAccountDto | null> {
    const rows: ServiceAccountDto[] = await tx.query(`${SELECT} AND s.user_id = $1`, [id]);
    return rows[0] ?? null;
  }

  /** Lets those who change one account through one at a time. */
  async lock(tx: EntityManager, id: number): Promise<void> {
    await tx.query(`SELECT FROM service_accounts WHERE user_id = $1 FOR NO KEY UPDATE`, [id]);
  }
}
