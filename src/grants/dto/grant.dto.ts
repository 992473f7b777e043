export class GrantDto {
  id: number;
  /** Units granted. */
  units: number;
  /** Units drawn and not refunded. */
  used: number;
  /** Units that can be drawn; 0 once it has expired or was revoked. */
  remaining: number;
  /** The smallest is drawn first; of equals the one that expires first, then the older one. */
  priority: number;
  /** Null: it does not expire. */
  expiresAt: Date | null;
  reason: string;
  /** The administrator who made it; null where nobody did over HTTP. */
  author: number | null;
  /** The day whose unused units it has, YYYY-MM-DD; null: somebody made it. */
  rolledFrom: string | null;
  /** When it was revoked; null: it was not. */
  revokedAt: Date | null;
  createdAt: Date;
}

export class GrantPage {
  items: GrantDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
