import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

@Injectable()
export class HoldsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Reservations whose lease has run out, at most so many. A reading: whoever ends them looks again under the lock. */
  async overdue(most: number): Promise<string[]> {
    const rows: { id: string }[] = await this.dataSource.query(
      `SELECT id FROM requests WHERE status = 'processing' AND held AND lease_expires_at <= now() ORDER BY lease_expires_at LIMIT $1`,
      [most],
    );
    return rows.map(({ id }) => id);
  }
}
