import { hashRecoveryCode, isTotpCode, makeRecoveryCodes, makeSecret, stepOf, uriOf } from './codes';

/** RFC 6238, appendix B: the secret `12345678901234567890` and the last six digits of its SHA-1 codes. */
const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const VECTORS: [seconds: number, code: string][] = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
];
const at = (seconds: number) => new Date(seconds * 1_000);

describe('codes', () => {
  it.each(VECTORS)('are those of RFC 6238 at %d', (seconds, code) => {
    expect(stepOf(SECRET, code, at(seconds))).toBe(Math.floor(seconds / 30));
  });

  it('are taken one step early or late, with their own step, and no further', () => {
    const step = Math.floor(1_234_567_890 / 30);
    for (const off of [-30, 0, 30]) expect(stepOf(SECRET, '005924', at(1_234_567_890 + off))).toBe(step);
    for (const off of [-60, 60, 86_400]) expect(stepOf(SECRET, '005924', at(1_234_567_890 + off))).toBeNull();
  });

  it('are six digits', () => {
    expect(['000000', '123456'].every(isTotpCode)).toBe(true);
    expect(['', '12345', '1234567', '12345a', '１２３４５６', '123456\n'].some(isTotpCode)).toBe(false);
  });

  it('of recovery are ten that differ, read whatever their case and separators', () => {
    const codes = makeRecoveryCodes();
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/);
    expect(hashRecoveryCode(` ${codes[0]?.toLowerCase().replaceAll('-', ' ')}`)).toEqual(hashRecoveryCode(codes[0] as string));
    expect(hashRecoveryCode('123456')).toBeNull();
  });
});

describe('a secret', () => {
  it('has 160 bits, and an address that apps read', () => {
    const secret = makeSecret();
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    const uri = new URL(uriOf(secret, 'Meters & Co', 'ada@example.com'));
    expect(uri.protocol).toBe('otpauth:');
    expect(Object.fromEntries(uri.searchParams)).toEqual({ issuer: 'Meters & Co', secret, algorithm: 'SHA1', digits: '6', period: '30' });
    expect(decodeURIComponent(uri.pathname)).toContain('Meters & Co:ada@example.com');
  });
});
