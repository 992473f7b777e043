import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type TestClockDto } from './dto/test-clock.dto';

@Injectable()
export class TestClockRepository {
  constructor(private readonly dataSource: DataSource) {}

  async read(tx: EntityManager = this.dataSource.manager): Promise<TestClockDto> {
    const [row] = await tx.query<[TestClockDto]>(`SELECT clock_timestamp() AS now, pg_catalog.clock_timestamp() AS "trueNow"`);
    return row;
  }

  /** Holds the clock until the transaction's end, so that two who set it do so one after the other. */
  async lock(tx: EntityManager): Promise<void> {
    await tx.query('SELECT FROM test_clock FOR UPDATE');
  }

  /** Has it show this instant. Credentials that memory holds may have ended by it: they are read anew everywhere. */
  async set(tx: EntityManager, now: Date): Promise<void> {
    await tx.query(`UPDATE test_clock SET shift = make_interval(secs => extract(epoch FROM $1::timestamptz - pg_catalog.clock_timestamp())::float8)`, [now]);
    await tx.query(`SELECT pg_notify('principals', '*')`);
  }
}
