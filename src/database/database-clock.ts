import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';

/** The one clock that counts: the database's. */
@Injectable()
export class DatabaseClock {
  constructor(private readonly dataSource: DataSource) {}

  /** Now; within a transaction, when it began. */
  async now(tx: EntityManager = this.dataSource.manager): Promise<Date> {
    const [{ now }] = await tx.query<[{ now: Date }]>('SELECT now() AS now');
    return now;
  }
}
