import { traceIdOf } from './trace-context';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

describe('the trace of a request', () => {
  it.each([`00-${TRACE}-${PARENT}-01`, `00-${TRACE}-${PARENT}-00`, `00-${TRACE}-${PARENT}-ff`, `01-${TRACE}-${PARENT}-01-more`, `cc-${TRACE}-${PARENT}-00`])(
    'is the one that %s names',
    (traceparent) => {
      expect(traceIdOf({ traceparent })).toBe(TRACE);
    },
  );

  it.each([
    undefined,
    '',
    'nonsense',
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01-more`,
    `00-${TRACE}-${PARENT}`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`,
    ` 00-${TRACE}-${PARENT}-01`,
    `0-${TRACE}-${PARENT}-01`,
  ])('is a new one where %j is none', (traceparent) => {
    const first = traceIdOf({ traceparent });
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(first).not.toBe(TRACE);
    expect(traceIdOf({ traceparent })).not.toBe(first);
  });
});
