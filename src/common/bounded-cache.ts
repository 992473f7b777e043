import { LRUCache } from 'lru-cache';

/**
 * What was used longest ago goes when a further entry comes. Given a bound in entries, lru-cache sets all of their memory aside at once, and a dozen
 * such caches are megabytes and milliseconds of every start; given a bound in size, it grows with what it holds. So each entry has the size 1.
 */
export class BoundedCache<K extends NonNullable<unknown>, V extends NonNullable<unknown>> extends LRUCache<K, V> {
  constructor(maxEntries: number, options: { ttl?: number; disposeAfter?: LRUCache.Disposer<K, V> } = {}) {
    super({ ...options, maxSize: maxEntries, sizeCalculation: () => 1 });
  }
}
