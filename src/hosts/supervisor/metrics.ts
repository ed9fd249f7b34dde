// What Prometheus gets: counters from the events, gauges from the system at the moment of the question.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { SLOTS } from '../../core/slot.ts';
import type { BackendState } from '../../core/status.ts';
import type { StampedEvent } from './event-hub.ts';
import type { SupervisedApp } from './supervised-app.ts';

const STATES: readonly BackendState[] = ['stopped', 'starting', 'ready', 'unready', 'stopping'];
const SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

export class Metrics {
  readonly #registry = new Registry();
  readonly #apps: SupervisedApp[] = [];
  readonly #deaths = this.#counter('graceful_backend_deaths_total', 'Backends that died by themselves.', [
    'app',
    'reason',
  ]);
  readonly #starts = this.#counter('graceful_backend_starts_total', 'Backends started.', ['app', 'slot']);
  readonly #switches = this.#counter('graceful_switches_total', 'Times that traffic was moved to a slot.', [
    'app',
    'to',
  ]);
  readonly #operations = this.#counter('graceful_operations_total', 'Operations by how they ended.', [
    'app',
    'operation',
    'result',
  ]);
  readonly #cut = this.#counter('graceful_connections_cut_total', 'Connections cut off at the drain deadline.', [
    'app',
    'slot',
  ]);
  readonly #operationSeconds = this.#histogram('graceful_operation_duration_seconds', 'How long operations took.', [
    'app',
    'operation',
  ]);
  readonly #drainSeconds = this.#histogram('graceful_drain_duration_seconds', 'How long drains took.', ['app', 'slot']);
  readonly #state = this.#gauge('graceful_slot_state', '1 for the state that the slot is in.', [
    'app',
    'slot',
    'state',
  ]);
  readonly #active = this.#gauge('graceful_slot_active', '1 for the slot that the link leads to.', ['app', 'slot']);
  readonly #connections = this.#gauge('graceful_slot_connections', "Connections by the kernel's count.", [
    'app',
    'slot',
    'kind',
  ]);
  readonly #rss = this.#gauge(
    'graceful_slot_resident_memory_bytes',
    'Resident memory of the backend and its descendants.',
    ['app', 'slot'],
  );
  readonly #cpu = this.#gauge('graceful_slot_cpu_seconds', 'CPU time of the backend and its descendants.', [
    'app',
    'slot',
  ]);

  watch(app: SupervisedApp): void {
    this.#apps.push(app);
  }

  count(event: StampedEvent): void {
    const { app } = event;
    switch (event.type) {
      case 'backend-died':
        this.#deaths.inc({
          app,
          reason: event.signal ?? (event.exitCode === null ? 'unknown' : `exit ${event.exitCode}`),
        });
        break;
      case 'backend-started':
        this.#starts.inc({ app, slot: event.slot });
        break;
      case 'traffic-switched':
        this.#switches.inc({ app, to: event.to });
        break;
      case 'connections-cut':
        this.#cut.inc({ app, slot: event.slot }, event.count ?? 1);
        break;
      case 'backend-drained':
        this.#drainSeconds.observe({ app, slot: event.slot }, event.ms / 1000);
        break;
      case 'operation-completed':
        this.#operationSeconds.observe({ app, operation: event.operation }, event.ms / 1000);
        this.#operations.inc({ app, operation: event.operation, result: 'completed' });
        break;
      case 'operation-failed':
        this.#operations.inc({ app, operation: event.operation, result: event.code });
        break;
      default:
        break;
    }
  }

  async text(): Promise<{ readonly type: string; readonly text: string }> {
    await Promise.all(this.#apps.map((app) => this.#measure(app)));
    return { type: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  async #measure(supervised: SupervisedApp): Promise<void> {
    const app = supervised.system.config.name;
    const report = await supervised.status().catch(() => null);
    if (report === null) return this.#forget(app); // the link is a directory: that is no reason not to tell of the other apps
    for (const slot of SLOTS) {
      const found = report.slots.find(({ name }) => name === slot);
      for (const state of STATES) this.#state.set({ app, slot, state }, Number(found?.state === state));
      this.#active.set({ app, slot }, Number(report.active === slot));
      this.#connections.set({ app, slot, kind: 'accepted' }, found?.connections?.accepted ?? 0);
      this.#connections.set({ app, slot, kind: 'queued' }, found?.connections?.queued ?? 0);
      this.#rss.set({ app, slot }, found?.rssBytes ?? 0);
      this.#cpu.set({ app, slot }, (found?.cpuMs ?? 0) / 1000);
    }
  }

  /** What cannot be measured now is missing, rather than as it was. */
  #forget(app: string): void {
    for (const slot of SLOTS) {
      for (const state of STATES) this.#state.remove({ app, slot, state });
      for (const kind of ['accepted', 'queued']) this.#connections.remove({ app, slot, kind });
      for (const gauge of [this.#active, this.#rss, this.#cpu]) gauge.remove({ app, slot });
    }
  }

  #counter(name: string, help: string, labelNames: readonly string[]) {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }

  #gauge(name: string, help: string, labelNames: readonly string[]) {
    return new Gauge({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }

  #histogram(name: string, help: string, labelNames: readonly string[]) {
    return new Histogram({ name, help, labelNames: [...labelNames], buckets: SECONDS, registers: [this.#registry] });
  }
}
