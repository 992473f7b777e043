import { type JsonSchema } from './setting';

export type Source = 'user' | 'system' | 'default';

/** What happened to a user's value that newer bounds no longer allow; null: nothing. */
export type Adjustment = 'clamped' | 'inherited' | null;

/**
 * What a user's value counts as under the bounds of now. Narrowing bounds never breaks a user: a number is clamped to
 * the nearest one allowed, anything else falls back to the inherited value. The stored value stays, and counts again
 * when the bounds widen.
 */
export function withinBounds(value: unknown, bounds: JsonSchema | null, allows: (value: unknown) => boolean): { value: unknown; adjusted: Adjustment } {
  if (bounds === null || allows(value)) return { value, adjusted: null };
  if (typeof value === 'number') {
    const { minimum = -Infinity, maximum = Infinity } = bounds as { minimum?: number; maximum?: number };
    const clamped = Math.min(Math.max(value, minimum), maximum);
    if (allows(clamped)) return { value: clamped, adjusted: 'clamped' };
  }
  return { value: undefined, adjusted: 'inherited' };
}
