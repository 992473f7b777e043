import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

@Injectable()
export class GatewayRepository {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Whether a charge still pays for its call. It does as long as units of it are kept, be it all of them or what the work
   * was settled for. It does not once all went back, once any went back because the work did not succeed, or when retention
   * took its row, so that nobody knows.
   */
  async stands(chargeId: string): Promise<boolean> {
    const rows: { stands: boolean }[] = await this.dataSource.query(
      `SELECT refunded_units = 0 OR (refunded_units < cost AND status NOT IN ('failed', 'canceled', 'expired')) AS stands
       FROM requests WHERE id = $1`,
      [chargeId],
    );
    return rows[0]?.stands ?? false;
  }
}
