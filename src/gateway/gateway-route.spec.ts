import { routedUrl } from './gateway-route';

describe('the URL of a gateway check', () => {
  it.each([
    ['GET', '/v1/authorize', '/v1/authorize'],
    ['POST', '/v1/authorize?denyStatus=403', '/v1/authorize?denyStatus=403'],
    ['PUT', '/v1/authorize?denyStatus=403', '/v1/authorize/?denyStatus=403'],
    ['GET', '/v1/authorize/search/1?q=x', '/v1/authorize/?q=x'],
    ['GET', '/v1/authorize/%zz', '/v1/authorize/'],
    ['GET', '/v1/authorize//', '/v1/authorize/'],
    ['OPTIONS', 'http://quotidian.test/v1/authorize?x=1', '/v1/authorize/?x=1'],
    ['GET', 'http://quotidian.test/v1/tiers', '/v1/tiers'],
    ['GET', '/v1/authorized', '/v1/authorized'],
    ['PUT', '/v1/users/1?x=/v1/authorize/', '/v1/users/1?x=/v1/authorize/'],
  ])('%s %s is routed as %s', (method, url, routed) => {
    expect(routedUrl(method, url)).toBe(routed);
  });
});
