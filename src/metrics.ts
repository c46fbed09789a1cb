import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { JournalHappening } from './audit/journal-options.ts';
import type { CheckpointHappening } from './checkpoints.ts';
import type { SourceSight } from './http/loads-page.ts';
import type { RequestLine } from './http/services.ts';
import type { AlertKind } from './record/alerts.ts';
import { sourceGauges } from './source-gauges.ts';

/** Figures for operations. Labels are routes, methods, statuses and sources: never a person, a user or an organisation. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter;
  readonly #seconds: Histogram;
  readonly #events: Counter;
  readonly #batch: Histogram;
  readonly #trouble: Counter;
  readonly #sweeps: Counter;
  readonly #alerts: Counter;
  readonly #sealed: Gauge;
  readonly #sealing: Counter;
  readonly #refresh: () => Promise<void>;

  /** @param sources asked whenever the figures are read */
  constructor(sources: () => Promise<readonly SourceSight[]>) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: 'mcr_requests_total',
      help: 'Requests answered',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'mcr_request_seconds',
      help: 'Time to answer',
      labelNames: ['route'],
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
      registers,
    });
    this.#events = new Counter({ name: 'mcr_audit_events_total', help: 'Audit events committed', registers });
    this.#batch = new Histogram({
      name: 'mcr_audit_batch_events',
      help: 'Events of one commit',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
      registers,
    });
    this.#trouble = new Counter({
      name: 'mcr_audit_trouble_total',
      help: 'Batches not written, in doubt, or a journal that cannot write',
      labelNames: ['what'],
      registers,
    });
    this.#sweeps = new Counter({
      name: 'mcr_sweeps_total',
      help: 'Users and clients refused because of too many people asked for, once an hour each',
      labelNames: ['by'],
      registers,
    });
    this.#alerts = new Counter({
      name: 'mcr_privacy_alerts_total',
      help: 'Alerts for privacy officers: special protection or an opt-out passed over, own records asked for',
      labelNames: ['kind'],
      registers,
    });
    this.#sealed = new Gauge({
      name: 'mcr_audit_checkpoint_timestamp_seconds',
      help: 'Time of the newest checkpoint that this process has made',
      registers,
    });
    this.#sealing = new Counter({
      name: 'mcr_audit_checkpoint_trouble_total',
      help: 'Checkpoints not made, logs that are not what was signed, witnesses that are away',
      labelNames: ['what'],
      registers,
    });
    this.#refresh = sourceGauges(this.#registry, sources);
  }

  request(line: RequestLine): void {
    this.#requests.inc({ method: line.method, route: line.route, status: String(line.status) });
    this.#seconds.observe({ route: line.route }, line.ms / 1000);
  }

  journal(happening: JournalHappening): void {
    if (happening.what === 'committed') {
      this.#events.inc(happening.events);
      this.#batch.observe(happening.events);
    } else if (happening.what !== 'resumed') this.#trouble.inc({ what: happening.what });
  }

  sweep(by: 'user' | 'client'): void {
    this.#sweeps.inc({ by });
  }

  alert(kind: AlertKind): void {
    this.#alerts.inc({ kind });
  }

  checkpoint(happening: CheckpointHappening): void {
    if (happening.what === 'made') this.#sealed.set(happening.time / 1000);
    else this.#sealing.inc({ what: happening.what });
  }

  async text(): Promise<string> {
    await this.#refresh();
    return this.#registry.metrics();
  }
}
