import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';

@Injectable()
export class ListenersRepository {
  /** Adds a listener, unless it is there: any number at once do. */
  async add(tx: EntityManager, userId: number, type: string, source: string): Promise<void> {
    await tx.query(`INSERT INTO event_listeners (user_id, type, source) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, [userId, type, source]);
  }
}
