import { type Adjustment } from '../settings/dto/configuration.dto';
import { type JsonSchema } from '../settings/setting';

/**
 * What a user's value counts as under the schema and bounds of now. Narrowing them never breaks a user: a number is
 * clamped to the nearest one allowed, anything else falls back to the inherited value. The stored value stays, and counts
 * again when it is allowed again.
 */
export function withinLimits(value: unknown, limits: (JsonSchema | null)[], allows: (value: unknown) => boolean): { value: unknown; adjusted: Adjustment } {
  if (allows(value)) return { value, adjusted: null };
  if (typeof value === 'number') {
    const min = Math.max(...limits.map((limit) => numberOr(limit?.minimum, -Infinity)));
    const max = Math.min(...limits.map((limit) => numberOr(limit?.maximum, Infinity)));
    const clamped = Math.min(Math.max(value, min), max);
    if (allows(clamped)) return { value: clamped, adjusted: 'clamped' };
  }
  return { value: undefined, adjusted: 'inherited' };
}

function numberOr(value: unknown, other: number): number {
  return typeof value === 'number' ? value : other;
}
