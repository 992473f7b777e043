import { withinLimits } from './effective-value';

const within = (min: number, max: number) => (value: unknown) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max;

describe('withinLimits', () => {
  it('leaves an allowed value as it is', () => {
    expect(withinLimits(5, [null, { minimum: 1, maximum: 10 }], within(1, 10))).toEqual({ value: 5, adjusted: null });
  });

  it('clamps a number to the nearest one that both the schema and the bounds allow', () => {
    expect(withinLimits(50, [{ maximum: 30 }, { minimum: 1, maximum: 40 }], within(1, 30))).toEqual({ value: 30, adjusted: 'clamped' });
    expect(withinLimits(-7, [{ minimum: -5 }, { minimum: 1 }], within(1, 40))).toEqual({ value: 1, adjusted: 'clamped' });
  });

  it('falls back when no nearest number is known, or the value is no number', () => {
    expect(withinLimits(50, [{ exclusiveMaximum: 30 }], within(1, 29))).toEqual({ value: undefined, adjusted: 'inherited' });
    expect(withinLimits(50, [{ maximum: 30.5 }], within(1, 30))).toEqual({ value: undefined, adjusted: 'inherited' });
    expect(withinLimits('dark', [{ enum: ['light'] }], () => false)).toEqual({ value: undefined, adjusted: 'inherited' });
  });
});
