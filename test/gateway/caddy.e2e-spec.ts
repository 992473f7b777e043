import { join } from 'node:path';
import { HAS_CADDY, startCaddy } from '../support/caddy';
import { itMeters } from './guarantees';

const CONFIGURATION = join(__dirname, '../../docs/gateway/Caddyfile');

if (!HAS_CADDY) process.stderr.write('\n*** SKIPPED: caddy is not installed, so docs/gateway/Caddyfile was not tested (apt-get install caddy) ***\n\n');

(HAS_CADDY ? describe : describe.skip)('an API behind Caddy as docs/gateway/Caddyfile sets it up', () => {
  itMeters({ start: (addresses) => startCaddy(CONFIGURATION, addresses), showsWhatIsLeft: true, whileCut: 502 });
});
