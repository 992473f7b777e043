export class SessionDto {
  id: string;
  createdAt: Date;
  /** When it was begun or refreshed last; calls in between do not count. */
  lastUsedAt: Date;
  /** Where that was from; null: not known. */
  address: string | null;
  /** The program that did it, by its own account and cut to 300 characters; null: not known. */
  userAgent: string | null;
  /** Whether it is the session of this call. */
  current: boolean;
}

export class SessionPage {
  items: SessionDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
