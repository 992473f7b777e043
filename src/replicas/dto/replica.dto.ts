export class ReplicaDto {
  /** Of its run: a process that is started again is another one. */
  id: string;
  /** Of its machine or container, and its process. */
  name: string;
  /** Of the service that it runs. */
  version: string;
  startedAt: Date;
  /** When it last reported itself. */
  seenAt: Date;
  /** Whether it has reported itself within 45 s; it does so every 15 s. One that is not may have been killed, or cut off from the database. */
  live: boolean;
  /** The one that answered. */
  current: boolean;
}

export class ReplicaPage {
  items: ReplicaDto[];
  nextCursor: string | null;
}
