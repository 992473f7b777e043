import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { isConnectionLost, isTransient, sqlState } from '../common/database-errors';
import { workerPlace } from '../common/worker-process';
import { version } from '../../package.json';
import { Notifications } from '../database/notifications';
import { UncountedCalls } from '../gateway/uncounted-calls';
import { HealthRepository } from '../health/health.repository';
import { StoredValues } from '../health/stored-values.service';
import { GracefulShutdown } from '../http/graceful-shutdown';
import { unhandledErrors } from '../http/last-net';
import { problemsAnswered } from '../http/problem-counts';
import { JobsService } from '../jobs/jobs.service';
import { AdmissionService } from '../ledger/admission.service';
import { RelayRepository } from '../outbox/relay.repository';
import { WebhookFigures } from '../webhooks/webhook-figures.service';
import { mergeFigures, shareFigures } from './figures-of-workers';

const KEPT_MS = 1_000;

interface Rendered {
  bytes: Buffer;
  type: string;
}

/** What Prometheus reads. Numbers are taken from their owners when they are asked for; only answers are counted as they go. */
@Injectable()
export class MetricsService {
  private readonly registry = new Registry();
  private readonly answers = new Histogram({
    name: 'quotidian_http_request_duration_seconds',
    help: 'Time from request to answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [this.registry],
  });

  private rendered: { at: number; answer: Promise<Rendered> } | undefined;
  private ofOthers: () => Promise<string[]> = () => Promise.resolve([]);
  private readonly children = new Map<string, Histogram.Internal<'method' | 'route' | 'status'>>();

  constructor(
    admission: AdmissionService,
    health: HealthRepository,
    storedValues: StoredValues,
    jobs: JobsService,
    webhooks: WebhookFigures,
    relay: RelayRepository,
    notifications: Notifications,
    shutdown: GracefulShutdown,
    uncounted: UncountedCalls,
  ) {
    this.shareWithWorkers();
    collectDefaultMetrics({ register: this.registry });
    this.gauge('quotidian_admission_waiting', 'Charges that wait for admission.', () => admission.waiting);
    this.counter('quotidian_admission_batches_total', 'Batches of charges sent.', () => admission.counts.batches);
    this.counter('quotidian_admission_charges_total', 'Charges decided.', () => admission.counts.decided);
    this.counter('quotidian_admission_admitted_total', 'Charges admitted.', () => admission.counts.admitted);
    this.counter('quotidian_admission_refused_total', 'Charges refused for want of quota.', () => admission.counts.refused);
    this.counter('quotidian_admission_shadowed_total', 'Charges admitted that a quota which is tried out would have refused.', () => admission.counts.shadowed);
    this.counter(
      'quotidian_gateway_uncounted_units_total',
      'Units that the gateway check let through uncounted while the database could not answer.',
      () => uncounted.counts.letThrough,
    );
    this.counter('quotidian_gateway_counted_since_units_total', 'Those of them that were counted afterwards.', () => uncounted.counts.counted);
    this.counter('quotidian_gateway_left_uncounted_units_total', 'Those of them that could not be counted afterwards.', () => uncounted.counts.left);
    this.gauge('quotidian_gateway_uncounted_units_waiting', 'Those of them that wait for the database.', () => uncounted.units);
    new Counter({
      name: 'quotidian_problems_total',
      help: 'Refusals and failures answered, by the code of the problem.',
      labelNames: ['code'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [code, count] of problemsAnswered()) this.inc({ code }, count);
      },
    });
    this.counter('quotidian_unhandled_errors_total', 'Errors that nobody took.', unhandledErrors);
    this.gauge('quotidian_notifications_listening', '1 while it is proven that what is notified arrives; 0 where changes are polled for.', () =>
      Number(notifications.healthy),
    );
    this.gauge('quotidian_draining', '1 while the process stops.', () => Number(shutdown.draining));
    this.gauge('quotidian_database_connections_open', 'Connections of reads and administration in this process.', () => health.pool().open);
    this.gauge('quotidian_database_connections_idle', 'Those of them that nobody uses.', () => health.pool().idle);
    this.gauge('quotidian_database_connections_waiting', 'Calls that wait for one of them.', () => health.pool().waiting);
    new Gauge({
      name: 'quotidian_build_info',
      help: 'Always 1, with the version of this release.',
      labelNames: ['version'],
      registers: [this.registry],
    }).set({ version }, 1);
    this.gauge('quotidian_database_clock_behind_seconds', "How far the database's clock was set back.", async () => {
      return ((await health.look().catch(whileAway(null)))?.clockBehindMs ?? 0) / 1_000;
    });
    this.gauge('quotidian_stored_values_adjusted', 'Stored values that do not count because they cannot be used.', async () => {
      return (await storedValues.look().catch(whileAway([]))).length;
    });
    this.counter('quotidian_webhook_attempts_total', 'Attempts to deliver webhooks.', () => webhooks.counts.attempts);
    this.counter('quotidian_webhook_delivered_total', 'Webhooks delivered.', () => webhooks.counts.delivered);
    this.counter('quotidian_webhook_failed_total', 'Webhooks given up.', () => webhooks.counts.failed);
    this.gauge('quotidian_webhook_in_flight', 'Attempts to deliver webhooks under way in this process.', () => webhooks.inFlight);
    this.gauge('quotidian_webhook_waiting', 'Webhooks that wait, for their time too; counted up to 10000.', () => webhooks.waiting().catch(whileAway(0)));
    this.feed('quotidian_outbox_waiting', 'Events that a consumer has not come to.', relay, ({ waiting }) => waiting);
    this.feed(
      'quotidian_outbox_skipped',
      'Events that a consumer was spared, because it could not use them however often they came.',
      relay,
      ({ skipped }) => skipped,
    );
    new Gauge({
      name: 'quotidian_job_last_success_timestamp_seconds',
      help: 'When a job last ended well.',
      labelNames: ['job'],
      registers: [this.registry],
      async collect() {
        for (const { job, finishedAt } of await jobs.lastSuccesses().catch(whileAway([]))) this.set({ job }, finishedAt.getTime() / 1_000);
      },
    });
  }

  answered(method: string, route: string, status: number, seconds: number): void {
    // The child for a set of labels is kept: finding it again by its labels costs more than counting.
    const name = `${method} ${route} ${status}`;
    let child = this.children.get(name);
    if (child === undefined) {
      child = this.answers.labels(method, route, String(status));
      this.children.set(name, child);
    }
    child.observe(seconds);
  }

  /** The text format of Prometheus and its media type. Made once a second at most, and shared: anybody may ask as often as they like. */
  render(): Promise<Rendered> {
    const now = performance.now();
    if (this.rendered === undefined || now - this.rendered.at >= KEPT_MS) this.rendered = { at: now, answer: this.make() };
    return this.rendered.answer;
  }

  private async make(): Promise<Rendered> {
    const [own, others] = await Promise.all([this.registry.metrics(), this.ofOthers()]);
    return { bytes: Buffer.from(others.length === 0 ? own : mergeFigures([own, ...others])), type: this.registry.contentType };
  }

  /** Whichever process is asked, the answer has the series of all, each with its number: `serve --workers`. */
  private shareWithWorkers(): void {
    const place = workerPlace();
    if (place === null) return;
    this.registry.setDefaultLabels({ worker: String(place.number) });
    this.ofOthers = shareFigures(() => this.registry.metrics());
  }

  /** A figure of each consumer of events, from its cursor. */
  private feed(name: string, help: string, relay: RelayRepository, figure: (lag: { waiting: number; skipped: number }) => number): void {
    new Gauge({
      name,
      help,
      labelNames: ['consumer'],
      registers: [this.registry],
      async collect() {
        for (const lag of await relay.lag().catch(whileAway([]))) this.set({ consumer: lag.name }, figure(lag));
      },
    });
  }

  private gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect: async function () {
        this.set(await read());
      },
    });
  }

  private counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
}

/** What stands for a figure of the database's while that fails: the others are there all the same. An error of ours is none of its. */
function whileAway<T>(figure: T): (error: unknown) => T {
  return (error) => {
    if (sqlState(error) === undefined && !isTransient(error) && !isConnectionLost(error)) throw error;
    return figure;
  };
}
