import { type Problem } from '../http/problem';
import { gatewayCallOf } from './gateway-call';

describe('what a proxy sends about a call', () => {
  it('is nothing when no field holds it', () => {
    expect(gatewayCallOf({ authorization: 'Bearer x' })).toEqual({ cost: null, type: null, holdSeconds: null });
  });

  it.each(['1', '7', '2147483647'])('takes the cost %s', (cost) => {
    expect(gatewayCallOf({ 'x-quota-cost': cost }).cost).toBe(Number(cost));
  });

  it.each(['', '0', '-1', '+1', '01', '1.0', '1e3', '0x1', '2147483648', '99999999999', '5, 5', 'many'])('refuses the cost "%s" by name', (cost) => {
    expect(refusalOf({ 'x-quota-cost': cost })).toMatch(/^#\/headers\/x-quota-cost: X-Quota-Cost must be a whole number/);
  });

  it.each(['', 'Search', 'a b', '-a', `a${'a'.repeat(50)}`, 'a, b', 'ä'])('refuses the type "%s" by name', (type) => {
    expect(refusalOf({ 'x-quota-type': type })).toMatch(/^#\/headers\/x-quota-type: X-Quota-Type must be/);
  });

  it.each(['0', '3601', '86400', '60s', ''])('refuses the hold "%s" by name', (hold) => {
    expect(refusalOf({ 'x-quota-hold': hold })).toMatch(/^#\/headers\/x-quota-hold: X-Quota-Hold must be a whole number of seconds from 1 to 3600/);
  });
});

function refusalOf(headers: Record<string, string>): string {
  try {
    gatewayCallOf(headers);
  } catch (error) {
    return (error as Problem).message;
  }
  return 'nothing was refused';
}
