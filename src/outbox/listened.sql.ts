/** Where nobody listens to anything, one look at an empty table is all that a statement pays for events. */
const ANYBODY = `coalesce((SELECT true FROM event_listeners LIMIT 1), false)`;

/**
 * Whether somebody listens to events of a type of a user, as the statement's snapshot has it: endpoints and mails write themselves
 * down in `event_listeners`, so it is as exact as what they are made for. Two probes of an index for each pattern, for rows that ask.
 *
 * @param userId SQL of the user's id
 * @param type SQL of the type
 * @param group its group, such as `request`
 */
export const isListenedTo = (userId: string, type: string, group: string): string => `${ANYBODY}
    AND coalesce((SELECT true FROM event_listeners l WHERE l.user_id IN (0, ${userId}) AND l.type IN (${type}, '${group}.*', '*') LIMIT 1), false)`;

/** An instant as events show it in JSON: UTC, cut to milliseconds, as JavaScript writes it. Its colons are quoted, so that none is read as a parameter. */
export const jsonInstant = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24":"MI":"SS.MS"Z"')`;
