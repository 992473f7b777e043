/** Where a handler's price stands in its metadata. */
export const METERED = 'quotidian:metered';
