import { setTimeout as delay } from 'node:timers/promises';
import { type DataSource } from 'typeorm';
import { type Environment } from '../config/environment';
import { type Connections } from '../database/connections';
import { ClusterRepository } from '../cluster/cluster.repository';
import { openReplica } from '../database/open-replica';
import { openToLook } from '../database/look-data-source';
import { declaredSettings } from '../settings/setting';
import { clusterFindings } from './cluster.probe';
import { environmentFindings } from './environment.probe';
import { type Diagnosis, diagnosisOf, failure, type Finding, type FindingGroup, unknown } from './finding';
import { flushFinding, holdFindings, listenFinding, poolerFinding, replicaFinding, serverFindings } from './server.probe';
import { ServerRepository } from './server.repository';
import { backlogFindings, booksFinding, jobFindings, settingFindings } from './service.probe';
import { ServiceRepository } from './service.repository';
import { bloatFindings, indexFindings, migrationFinding, sequenceFindings } from './tables.probe';
import { TablesRepository } from './tables.repository';

const PARALLEL = 4;

type Look = () => Finding | Finding[] | Promise<Finding | Finding[]>;
type Looks = Record<string, Record<string, Look>>;

/**
 * Looks at everything that an operator should know, and changes nothing.
 *
 * @param probeMs how long one look may take; all of them go on at once
 */
export async function diagnose(environment: Environment, open: () => Promise<Connections>, probeMs: number): Promise<Diagnosis> {
  let connections: Connections;
  try {
    connections = await open();
  } catch (error) {
    const finding = failure('connection', (error as Error).message, 'pg_isready -d "$DATABASE_URL"');
    return diagnosisOf([
      { name: 'Configuration', findings: environmentFindings(environment) },
      { name: 'PostgreSQL', findings: [finding] },
    ]);
  }
  try {
    return await diagnoseWith(environment, connections, probeMs);
  } finally {
    await connections.onApplicationShutdown();
  }
}

/** The same by connections that are there already. Its own statements run on a few more of them, which end with it. */
export async function diagnoseWith(environment: Environment, connections: Connections, probeMs: number): Promise<Diagnosis> {
  const configuration = { name: 'Configuration', findings: environmentFindings(environment) };
  const dataSource = await openToLook(connections, PARALLEL, { application: 'quotidian doctor', statementTimeoutMs: probeMs });
  try {
    return diagnosisOf([configuration, ...(await lookAll(looksOf(environment, connections, dataSource), probeMs))]);
  } finally {
    await dataSource.destroy();
  }
}

function looksOf(environment: Environment, connections: Connections, dataSource: DataSource): Looks {
  const [server, tables, service] = [new ServerRepository(dataSource), new TablesRepository(dataSource), new ServiceRepository(dataSource)];
  const migrations = dataSource.migrations.map(({ name }) => name ?? '');
  return {
    PostgreSQL: {
      server: () => serverFindings(server, environment),
      pooler: () => poolerFinding(connections),
      'read replica': () => replicaFinding(openReplica(environment, connections.schema, dataSource)),
      LISTEN: () => listenFinding(connections, server),
      'log flush': () => flushFinding(server),
      'oldest transaction': () => holdFindings(server),
      cluster: () => clusterFindings(new ClusterRepository(dataSource.manager)),
    },
    Tables: {
      migrations: () => migrationFinding(tables, migrations),
      indexes: () => indexFindings(tables),
      'dead rows': () => bloatFindings(tables),
      sequences: () => sequenceFindings(tables),
    },
    Service: {
      jobs: () => jobFindings(service),
      backlogs: () => backlogFindings(service),
      settings: () => settingFindings(service, new Set(declaredSettings().keys())),
      books: () => booksFinding(service),
    },
  };
}

function lookAll(looks: Looks, probeMs: number): Promise<FindingGroup[]> {
  return Promise.all(
    Object.entries(looks).map(async ([name, group]) => ({
      name,
      findings: (await Promise.all(Object.entries(group).map(([check, look]) => lookOnce(check, look, probeMs)))).flat(),
    })),
  );
}

/** What cannot be found out is a finding like any other: the rest is shown all the same. */
async function lookOnce(check: string, look: Look, probeMs: number): Promise<Finding[]> {
  const late = delay(probeMs, unknown(check, `no answer within ${probeMs / 1_000} s`), { ref: false });
  const found = Promise.resolve()
    .then(look)
    .catch((error: Error) => unknown(check, error.message));
  return [await Promise.race([found, late])].flat();
}
