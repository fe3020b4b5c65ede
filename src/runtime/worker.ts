import type { Logger } from 'pino';
import { isPortOf } from '../compiler/service-name.ts';
import { WorkerMetrics } from '../metrics/worker-metrics.ts';
import { DataPlane } from '../proxy/data-plane.ts';
import type { ListeningHandle } from '../proxy/transport/listening-handle.ts';
import type { Accepted } from '../proxy/transport/tcp-handle.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import type { RunOptions } from './options.ts';
import { PatchJoiner, type SnapshotPart } from './snapshot-parts.ts';
import { WorkerPorts } from './worker-ports.ts';

/** How often counted things are reported, in milliseconds: what a worker's death may cost. */
const REPORT_MS = 100;

/** One worker: the proxy behind the ports, and what comes from and goes to the control process. */
export class Worker {
  readonly #options: RunOptions;
  readonly #send: (message: FromWorker) => void;
  readonly #onServing: () => void;
  readonly #metrics = new WorkerMetrics();
  readonly #proxy: DataPlane;
  readonly #ports: WorkerPorts;
  /** Names of the listeners of the snapshot that is served; null before the first. */
  #listeners: ReadonlySet<string> | null = null;
  readonly #joiner = new PatchJoiner();
  readonly #timer: NodeJS.Timeout;
  /** Snapshots and endpoints are applied one after another, in the order in which they came. */
  #applied: Promise<void> = Promise.resolve();

  /** @param ticketKeys see `ParentToWorker`. @param onServing called when the first complete snapshot is served. */
  constructor(
    options: RunOptions,
    ticketKeys: Uint8Array,
    log: Logger,
    send: (message: FromWorker) => void,
    onServing: () => void,
  ) {
    this.#options = options;
    this.#send = send;
    this.#onServing = onServing;
    this.#proxy = new DataPlane({
      metrics: this.#metrics,
      limits: options.limits,
      ticketKeys,
      pool: { keepAliveMs: options.upstreamKeepAliveMs, indexFields: options.upstreamIndex },
      onResolve: (service) => send({ type: 'resolve', service }),
      ...(options.accessLog
        ? {
            onAccess: (line) => log.info(line, 'access'),
            onTcpAccess: (line) => log.info(line, 'tcp access'),
          }
        : {}),
      log: (level, message, fields) => log[level](fields ?? {}, message),
    });
    this.#ports = new WorkerPorts(options.bind, (accepted, listener) =>
      this.#proxy.accept(accepted, listener),
    );
    this.#timer = setInterval(() => this.#report(false), REPORT_MS);
    send({ type: 'started' });
  }

  /** Takes a message of the control process. */
  receive(message: ToWorker): void {
    switch (message.type) {
      case 'hello':
        this.#report(true);
        this.#send({ type: 'started' });
        return;
      case 'endpoints':
        this.#enqueue(async () => this.#proxy.applyEndpoints(message.patch));
        return;
      case 'snapshot':
        this.#enqueue(() => this.#apply(message));
        return;
      case 'end-calls':
        // Behind the snapshot that takes its weight away.
        this.#enqueue(async () => {
          this.#proxy.endCalls(
            (service) => isPortOf(service, message.service, message.port),
            message.version,
          );
        });
        return;
    }
  }

  /** Takes a connection. A listener that is new waits for its snapshot: what it serves is not known before. */
  connection(accepted: Accepted, listener: string): void {
    if (this.#listeners?.has(listener)) this.#proxy.accept(accepted, listener);
    else this.#enqueue(async () => this.#proxy.accept(accepted, listener));
  }

  /** Accepts from a port by itself, from the first snapshot on that has a listener for it. */
  acceptFrom(key: string, handle: ListeningHandle): void {
    this.#ports.take(key, handle);
  }

  /** Accepts no more from a port; its connections stay. */
  closePort(key: string): void {
    this.#ports.close(key);
  }

  /** Other keys for session tickets, the same for all workers. */
  setTicketKeys(keys: Uint8Array): void {
    this.#proxy.setTicketKeys(keys);
  }

  /** Reports everything that was counted since the worker began. */
  reportAll(): void {
    this.#report(true);
  }

  /** Stops accepting, lets running calls finish within the drain timeout, and reports for the last time. */
  async drain(): Promise<void> {
    this.#ports.end();
    const timeout = new Promise<void>((resolve) => {
      setTimeout(resolve, this.#options.drainTimeoutMs).unref();
    });
    await Promise.race([this.#proxy.drain(), timeout]);
    this.#proxy.close();
    clearInterval(this.#timer);
    this.#report(false);
  }

  async #apply(part: SnapshotPart): Promise<void> {
    const patch = this.#joiner.take(part);
    if (patch === null) return;
    if (!(await this.#proxy.applySnapshot(patch))) {
      this.#send({ type: 'gap' });
      return;
    }
    const first = this.#listeners === null;
    if (patch.listeners !== null) {
      this.#listeners = new Set(patch.listeners.map(({ name }) => name));
      this.#ports.serve(patch.listeners);
    }
    this.#send({ type: 'applied', revision: patch.revision });
    if (first) this.#onServing();
  }

  #enqueue(work: () => Promise<void>): void {
    this.#applied = this.#applied.then(work).catch((error: unknown) => {
      // A snapshot that cannot be applied is a fault of ours; the worker begins anew rather than serve half of it.
      setImmediate(() => {
        throw error;
      });
    });
  }

  #report(all: boolean): void {
    const report = this.#metrics.report(all);
    if (report !== null) this.#send({ type: 'metrics', all, report });
  }
}
