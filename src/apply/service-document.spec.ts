import { type ValidationProblem } from '../http/problem';
import { lineOf, readServiceDocument } from './service-document';

describe('a document of the service', () => {
  it('has sections that are left alone where it does not name them', () => {
    expect(readServiceDocument('tiers:\n  pro:\n    dailyQuota: 5\n')).toEqual({
      tiers: new Map([['pro', { dailyQuota: 5 }]]),
      settings: null,
      webhooks: null,
    });
    expect(readServiceDocument('{"settings": {"a": {"value": 1}}, "webhooks": {}}')).toEqual({
      tiers: null,
      settings: new Map([['a', { value: 1 }]]),
      webhooks: new Map(),
    });
  });

  it.each([
    ['', /YAML|must have sections/],
    ['[1]', /must have sections/],
    ['tiers: [', /is not valid YAML/],
    ['plans: {}', /#\/plans: is no section/],
    ['tiers: 5', /#\/tiers: must have an entry/],
    ['tiers:\n  pro: 5', /#\/tiers\/pro: must be an object/],
    ['settings:\n  a:\n    colour: 1', /#\/settings\/a\/colour: is not a known field/],
    ['tiers:\n  pro: {dailyQuota: 9007199254740993}', /cannot be held exactly/],
  ])('refuses %j', (text, message) => {
    expect(() => readServiceDocument(text)).toThrow(expect.objectContaining({ message: expect.stringMatching(message) }) as ValidationProblem);
  });

  it('knows the line of a place, in YAML and in JSON', () => {
    const yaml = 'tiers:\n  free:\n    dailyQuota: 1\n  pro:\n    dailyQuota: x\nwebhooks:\n  "https://a.example/x": { events: [] }\n';
    expect(
      ['#/tiers/pro/dailyQuota', '#/tiers/free/dailyQuota', '#/webhooks/https:~1~1a.example~1x/events', '#/nothing'].map((pointer) => lineOf(yaml, pointer)),
    ).toEqual([5, 3, 7, null]);
    expect(lineOf('{\n "tiers": {\n  "pro": {"dailyQuota": "x"}\n }\n}', '#/tiers/pro/dailyQuota')).toBe(3);
  });
});
