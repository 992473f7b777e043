/** The largest `integer` of PostgreSQL: ids, units and attempts are such. */
export const MAX_INTEGER = 2_147_483_647;
