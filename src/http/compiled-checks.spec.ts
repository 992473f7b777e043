import { validateSync } from 'class-validator';
import fc from 'fast-check';
import { SubmitRequestDto } from '../requests/dto/submit-request.dto';
import { CompleteItemDto } from '../requests/dto/work.dto';
import { compileQuickCheck } from './compiled-checks';

/** Values that a body's field may hold: those around every rule, and any JSON. */
const value = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    'x',
    'search',
    'UPPER',
    'a'.repeat(50),
    'a'.repeat(51),
    '-x',
    'x\n',
    0,
    1,
    -1,
    1.5,
    2_147_483_647,
    2_147_483_648,
    true,
    [],
    {},
    [1],
  ),
  fc.integer({ min: -5, max: 5 }),
  fc.stringMatching(/^[a-z0-9._-]{0,55}$/),
  fc.jsonValue({ maxDepth: 2 }),
);
const name = fc.oneof({ weight: 9, arbitrary: fc.constantFrom('type', 'payload', 'userId', 'cost') }, { weight: 1, arbitrary: fc.string({ maxLength: 8 }) });
const good = fc.record(
  {
    type: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,49}$/),
    payload: fc.dictionary(fc.string(), fc.jsonValue()),
    cost: fc.integer({ min: 1, max: 2_147_483_647 }),
    userId: fc.nat(),
  },
  { requiredKeys: ['type'] },
);
const body = fc.oneof(
  fc.dictionary(name, value),
  good,
  fc.tuple(good, fc.dictionary(name, value, { maxKeys: 1 })).map(([fields, odd]) => ({ ...fields, ...odd })),
);

describe('the compiled check of a submit', () => {
  const quickCheck = compileQuickCheck(SubmitRequestDto)!;
  const slowCheck = (sent: object) =>
    validateSync(Object.assign(new SubmitRequestDto(), sent), { whitelist: true, forbidNonWhitelisted: true, stopAtFirstError: true }).length === 0;
  /** Names that every object has are refused before class-validator is asked, which would take some of them for its own. */
  const hasInherited = (sent: object) => Object.keys(sent).some((key) => key in Object.prototype);

  it('is there: every decorator of the body is known to it', () => {
    expect(quickCheck).not.toBeNull();
  });

  it('decides as class-validator does', () => {
    let accepted = 0;
    fc.assert(
      fc.property(body, (sent) => {
        fc.pre(!hasInherited(sent));
        if (quickCheck(sent)) accepted++;
        expect(quickCheck(sent)).toBe(slowCheck(sent));
      }),
      { numRuns: 1_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it('never accepts a name that every object has', () => {
    for (const key of Object.getOwnPropertyNames(Object.prototype)) {
      expect(quickCheck(JSON.parse(`{"type":"x","${key}":1}`) as object)).toBe(false);
    }
  });
});

describe('the compiled check of a result among many', () => {
  const quickCheck = compileQuickCheck(CompleteItemDto)!;
  const item = fc.dictionary(fc.constantFrom('id', 'attempt', 'units', 'result', 'odd'), value);
  const goodItem = fc.record(
    { id: fc.string(), attempt: fc.integer({ min: 1, max: 2_147_483_647 }), units: fc.nat(), result: fc.jsonValue() },
    { requiredKeys: ['id', 'attempt'] },
  );

  it('decides as class-validator does, and takes any JSON as the result', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(item, goodItem), (sent) => {
        const slow =
          validateSync(Object.assign(new CompleteItemDto(), sent), { whitelist: true, forbidNonWhitelisted: true, stopAtFirstError: true }).length === 0;
        if (quickCheck(sent)) accepted++;
        expect(quickCheck(sent)).toBe(slow);
      }),
      { numRuns: 500 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
