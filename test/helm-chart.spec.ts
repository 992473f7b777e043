import Ajv from 'ajv';
import { load } from 'js-yaml';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { version } from '../package.json';
import { Environment } from '../src/config/environment';
import { merge, renderChart } from './support/helm';

const FOLDER = join(__dirname, '../deploy/helm/quotidian');
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
const NEEDED = { existingSecret: 'quotidian' };
const MUCH = {
  ...NEEDED,
  workers: 4,
  env: { LOG_LEVEL: 'warn', LOG_REQUESTS: true },
  extraEnv: [{ name: 'SMTP_URL', valueFrom: { secretKeyRef: { name: 'mail', key: 'url' } } }],
  imagePullSecrets: [{ name: 'registry' }],
  ingress: { enabled: true, className: 'nginx', host: 'quotas.example.com', tlsSecret: 'tls', annotations: { a: 'b' } },
  autoscaling: { enabled: true },
  networkPolicy: { from: [{ namespaceSelector: {} }] },
  closeOut: { cronJob: { enabled: true } },
  serviceMonitor: { enabled: true },
  serviceAccount: { annotations: { a: 'b' } },
  podAnnotations: { a: 'b' },
  nodeSelector: { disk: 'ssd' },
  tolerations: [{ operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  priorityClassName: 'high',
};

interface Container {
  args: string[];
  env: { name: string; value?: string }[];
  securityContext: object;
  livenessProbe?: { httpGet: { path: string } };
  readinessProbe?: { httpGet: { path: string } };
}
interface Pod {
  initContainers?: Container[];
  containers: Container[];
  securityContext: object;
  terminationGracePeriodSeconds: number;
  topologySpreadConstraints: { labelSelector: { matchLabels: object } }[];
}
interface Deployment {
  spec: { replicas?: number; selector: { matchLabels: object }; template: { metadata: { labels: object }; spec: Pod } };
}

const found = <T>(manifests: { kind: string }[], kind: string) => manifests.find((one) => one.kind === kind) as T;

describe('the Helm chart', () => {
  it('names the version of package.json, which is the tag of its image', () => {
    expect((load(read('Chart.yaml')) as { appVersion: string }).appVersion).toBe(version);
  });

  it('makes by default what the plain manifests are', () => {
    const kinds = renderChart(FOLDER, NEEDED).map(({ kind }) => kind);
    expect(kinds.sort()).toEqual(['Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', 'ServiceAccount']);
    const all = renderChart(FOLDER, MUCH).map(({ kind }) => kind);
    expect(all.sort()).toEqual([...kinds, 'CronJob', 'HorizontalPodAutoscaler', 'Ingress', 'ServiceMonitor'].sort());
  });

  it.each([
    ['little', NEEDED],
    ['much', MUCH],
  ])('with %s set, runs as nobody on a root that is read-only, with variables that are read and probes that are answered', (_, values) => {
    const manifests = renderChart(FOLDER, values);
    const deployment = found<Deployment>(manifests, 'Deployment');
    const cron = found<{ spec: { jobTemplate: { spec: { template: { spec: Pod } } } } } | undefined>(manifests, 'CronJob');
    const known = new Set(Object.keys(new Environment()));
    const routes = Object.keys((JSON.parse(readFileSync(join(__dirname, '../openapi.json'), 'utf8')) as { paths: object }).paths);
    for (const pod of [deployment.spec.template.spec, ...(cron ? [cron.spec.jobTemplate.spec.template.spec] : [])]) {
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      for (const { args, env, securityContext, livenessProbe, readinessProbe } of [...(pod.initContainers ?? []), ...pod.containers]) {
        expect(env.map(({ name }) => name).filter((name) => !known.has(name))).toEqual([]);
        expect(new Set(env.map(({ name }) => name)).size).toBe(env.length);
        // Kubernetes takes nothing but text.
        expect(env.filter(({ value }) => value !== undefined && typeof value !== 'string')).toEqual([]);
        expect(args.filter((one) => typeof one !== 'string')).toEqual([]);
        expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
        for (const probe of [livenessProbe, readinessProbe]) if (probe) expect(routes).toContain(probe.httpGet.path);
      }
    }
    expect(deployment.spec.template.spec.terminationGracePeriodSeconds).toBe(30);
  });

  it('selects its own pods wherever it selects, and leaves the count of replicas to what scales them', () => {
    const manifests = renderChart(FOLDER, NEEDED);
    const { spec } = found<Deployment>(manifests, 'Deployment');
    expect(spec.replicas).toBe(2);
    expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
    expect(spec.template.spec.topologySpreadConstraints[0]?.labelSelector.matchLabels).toEqual(spec.selector.matchLabels);
    const labels = JSON.stringify(spec.selector.matchLabels);
    for (const kind of ['Service', 'PodDisruptionBudget', 'NetworkPolicy']) expect(JSON.stringify(found(manifests, kind))).toContain(labels);
    expect(found<Deployment>(renderChart(FOLDER, MUCH), 'Deployment').spec.replicas).toBeUndefined();
  });

  it('needs a secret that is there, and holds values to its schema', () => {
    expect(() => renderChart(FOLDER, {})).toThrow(/existingSecret names a Secret/);
    const validate = new Ajv({ strict: true, strictRequired: false, strictTypes: false }).compile(JSON.parse(read('values.schema.json')) as object);
    const values = (given: object) => merge(load(read('values.yaml')), given);
    for (const good of [NEEDED, MUCH]) expect([validate(values(good)), validate.errors]).toEqual([true, null]);
    for (const bad of [
      {},
      { ...NEEDED, worker: 2 },
      { ...NEEDED, workers: 0 },
      { ...NEEDED, ingress: { enabled: true } },
      { ...NEEDED, env: { 'log-level': 'x' } },
    ])
      expect([bad, validate(values(bad))]).toEqual([bad, false]);
  });

  it('has a value for each that its templates read, and reads each that it has', () => {
    const templates = readdirSync(join(FOLDER, 'templates')).map((name) => read(join('templates', name)));
    const leaves = Object.entries(load(read('values.yaml')) as object).flatMap(([name, value]) =>
      ['image', 'service', 'ingress', 'autoscaling', 'podDisruptionBudget', 'topologySpread', 'networkPolicy', 'serviceMonitor'].includes(name)
        ? Object.keys(value as object).map((key) => `${name}.${key}`)
        : [name],
    );
    for (const leaf of leaves) expect([leaf, templates.some((text) => text.includes(`.Values.${leaf}`))]).toEqual([leaf, true]);
  });
});
