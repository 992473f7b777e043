import { join } from 'node:path';
import { itMeters } from './guarantees';
import { playEnvoy } from './played-envoy';
import { playTraefik } from './played-traefik';

const recipe = (name: string) => join(__dirname, '../../docs/gateway', name);

// Neither program can be installed from Debian or npm: what they do by their source is played, with the recipes as they stand.
describe('an API behind what Traefik does with docs/gateway/traefik.yaml', () => {
  itMeters({ start: (addresses) => playTraefik(recipe('traefik.yaml'), addresses), showsWhatIsLeft: false, whileCut: 500 });
});

describe('an API behind what Envoy does with docs/gateway/envoy.yaml', () => {
  itMeters({ start: (addresses) => playEnvoy(recipe('envoy.yaml'), addresses), showsWhatIsLeft: true, whileCut: 503 });
});
