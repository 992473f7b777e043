/** The zone that the day of a key's owner is reckoned in; the system's where that one is unknown. */
export const OWNER_ZONE = `CASE WHEN quota_zone_known(split_part(coalesce(o.quota_reset_zone, o.time_zone), '@', 1)) THEN coalesce(o.quota_reset_zone, o.time_zone)
        ELSE (SELECT quota_default_zone()) END`;
