import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** A device that somebody signed in from, by what it is known again. */
@Entity('known_devices')
@Check('known_devices_device_hash_check', 'octet_length(device_hash) = 32')
export class KnownDevice {
  @ForeignKey('User', { name: 'known_devices_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'known_devices_pkey' })
  userId: number;

  /** SHA-256 of its program and about where it was. */
  @PrimaryColumn({ name: 'device_hash', type: 'bytea', primaryKeyConstraintName: 'known_devices_pkey' })
  deviceHash: Buffer;

  @Column({ name: 'last_seen_at', type: 'timestamptz', default: () => 'now()' })
  lastSeenAt: Date;
}
