import { load } from 'js-yaml';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeAdmin, makeUser } from '../support/factories';
import { selectorsOf, seriesOf } from '../support/promql';
import { type Service, startService } from '../support/service';

const read = (path: string) => readFileSync(join(__dirname, '../../deploy', path), 'utf8');
/** What Prometheus adds to what it scrapes; our own `job` becomes `exported_job`. */
const SCRAPED = ['instance', 'job'];

describe('dashboard and alerts', () => {
  let service: Service;
  let page: Map<string, Set<string>>;
  beforeAll(async () => {
    service = await startService();
    const [user, admin] = await Promise.all([makeUser(service), makeAdmin(service)]);
    await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
    await service.as(admin).post('/v1/jobs/quota-reset/run').expect(200);
    // Series by code are there once something was refused.
    await service.as().get('/nowhere').expect(404);
    page = seriesOf((await service.as().get('/metrics').expect(200)).text);
  });
  afterAll(() => service.close());

  const flawsOf = (expression: string) =>
    selectorsOf(expression).flatMap(({ metric, labels }) => {
      const known = page.get(metric);
      if (known === undefined) return [`${metric} is not there: ${expression}`];
      const asked = labels.map((label) => (label === 'exported_job' ? 'job' : label)).filter((label) => !SCRAPED.includes(label) || label === 'job');
      return asked.filter((label) => !known.has(label)).map((label) => `${metric} has no label ${label}: ${expression}`);
    });

  it('ask for nothing that the service does not have', () => {
    const { panels } = JSON.parse(read('grafana/quotidian.json')) as { panels: { targets: { expr: string }[] }[] };
    const { groups } = load(read('prometheus/alerts.yml')) as { groups: { rules: { expr: string }[] }[] };
    const asked = [...panels.flatMap(({ targets }) => targets), ...groups.flatMap(({ rules }) => rules)].map(({ expr }) => expr);
    expect(asked.length).toBeGreaterThan(30);
    expect(asked.flatMap(flawsOf)).toEqual([]);
    expect(asked.flatMap(selectorsOf).length).toBeGreaterThan(asked.length);
  });

  it('are found out by this test where they do', () => {
    expect(flawsOf('sum by (plan) (rate(quotidian_admission_waiting[5m]))')).toEqual([
      expect.stringContaining('quotidian_admission_waiting has no label plan'),
    ]);
    expect(flawsOf('max(quotidian_lost_total) > 0')).toEqual([expect.stringContaining('quotidian_lost_total is not there')]);
  });

  it('have a metric of ours each, or leave it out on purpose', () => {
    const text = read('grafana/quotidian.json') + read('prometheus/alerts.yml');
    const unused = [...page.keys()].filter((name) => name.startsWith('quotidian_') && !name.endsWith('_sum') && !text.includes(name));
    expect(unused).toEqual(['quotidian_draining']);
  });
});
