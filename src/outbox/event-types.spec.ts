import { EVENT_PATTERNS, EVENT_TYPES, patternsOf } from './event-types';

describe('the patterns of event types', () => {
  it('are the types, their groups and all', () => {
    expect(EVENT_PATTERNS).toEqual(expect.arrayContaining(['*', 'request.*', 'api-key.*', 'quota.exhausted']));
    expect(new Set(EVENT_PATTERNS).size).toBe(EVENT_PATTERNS.length);
  });

  it('choose a type by itself, its group, or all', () => {
    expect(patternsOf('quota.threshold-reached')).toEqual(['quota.threshold-reached', 'quota.*', '*']);
    for (const type of EVENT_TYPES) expect(patternsOf(type).filter((pattern) => !EVENT_PATTERNS.includes(pattern))).toEqual([]);
  });
});
