import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

export interface ChangedRequest {
  id: string;
  userId: number;
}

@Injectable()
export class ListWatchRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** The newest requests of all, and whose the others are: two looks along the primary key, whatever the ledger holds. */
  newestAnd(ids: readonly string[], newest: number): Promise<ChangedRequest[]> {
    return this.dataSource.query(
      `(SELECT id, user_id AS "userId" FROM requests ORDER BY id DESC LIMIT ${newest})
       UNION SELECT id, user_id FROM requests WHERE id = ANY ($1::uuid[])`,
      [ids],
    );
  }
}
