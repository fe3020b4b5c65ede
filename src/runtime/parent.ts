import { type ChildProcess, fork, type SendHandle } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import type { RetiredMetrics } from '../metrics/merged-metrics.ts';
import { canShareListening, type ListeningHandle } from '../proxy/transport/listening-handle.ts';
import { type Accepted, closeAccepted, isHandle } from '../proxy/transport/tcp-handle.ts';
import { BackOff } from './back-off.ts';
import { HandOver, type Taker } from './hand-over.ts';
import { KeptReports } from './kept-reports.ts';
import { ListenerSet } from './listener-set.ts';
import type { FromControl, ParentToWorker, ToControl, WorkerToParent } from './messages.ts';
import type { RunOptions } from './options.ts';
import { type PortTaker, SharedPorts } from './shared-ports.ts';

/** How long after --drain-timeout a worker that has not ended is killed, in milliseconds. */
const KILL_AFTER_MS = 2000;

/** How long the control process may take to give its Leases back once the workers are gone, in milliseconds. */
const GOODBYE_MS = 2000;

/** How long keys of session tickets are used, in milliseconds. */
const TICKET_KEYS_MS = 12 * 3_600_000;

/** How a gateway ended. */
export interface ParentResult {
  /** 0: as told. 2: it could not start, and `problem` says why in one line. */
  readonly exitCode: 0 | 2;
  readonly problem: string | null;
}

/**
 * The parent process: opens the ports, hands connections over in turn or lets workers accept (`--accept`), starts and restarts
 * workers and the control process, and passes their messages on. Nothing else happens here: it may be in every accept.
 */
export class Parent {
  readonly #options: RunOptions;
  readonly #log: Logger;
  readonly #startedAtMs = Date.now();
  /** They outlive workers, so that a client resumes its session with the next one, and are others every half day. */
  #ticketKeys = randomBytes(48);
  readonly #backOff = new BackOff(50, 10_000, 10_000);
  readonly #workers = new Map<number, Worker>();
  /** The control process; null until it has loaded, and between two of them. */
  #control: ChildProcess | null = null;
  #starting: ChildProcess | null = null;
  #controlStarts = 0;
  #kept: RetiredMetrics | null = null;
  readonly #reports = new KeptReports();
  readonly #handOver = new HandOver();
  /** Ports that workers accept from; null where this process does. */
  readonly #shared: SharedPorts | null;
  readonly #listeners: ListenerSet;
  #workerStarts = 0;
  #input: string | null = null;
  #draining = false;
  #controlStopped = false;
  #end: (result: ParentResult) => void = () => {};

  constructor(options: RunOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#shared = options.accept === 'workers' && canShareListening ? new SharedPorts() : null;
    if (options.accept === 'workers' && this.#shared === null)
      log.warn('this Node does not let workers accept; the parent does');
    this.#listeners = new ListenerSet({
      bind: options.bind,
      shared: this.#shared,
      onConnection: (accepted, listener) => this.#handOver.connection(accepted, listener),
      onFailure: (failure) => this.#toControl({ type: 'listen-failed', ...failure }),
    });
  }

  /** Runs until told to end; the promise says how it ended. All processes that it started are gone then. */
  run(): Promise<ParentResult> {
    // What handing a connection over leaves behind dies at once: a young generation that doubles with it would only cost memory.
    setFlagsFromString('--semi-space-growth-factor=1');
    return new Promise((resolve) => {
      this.#end = (result) => {
        this.#draining = true;
        this.#killAll();
        resolve(result);
      };
      this.#forkControl();
      setInterval(() => this.#renewTicketKeys(), TICKET_KEYS_MS).unref();
    });
  }

  /** Whoever gets hold of the keys must not be able to read what was said days ago (RFC 8446 appendix F.1, forward secrecy). */
  #renewTicketKeys(): void {
    this.#ticketKeys = randomBytes(48);
    for (const worker of this.#workers.values()) worker.send({ type: 'ticket-keys', keys: this.#ticketKeys });
  }

  /** Begins to end: not ready at once, accepting for the drain delay, then running calls finish. A second call ends at once. */
  shutdown(signal: string): void {
    if (this.#draining) {
      this.#end({ exitCode: 0, problem: null });
      return;
    }
    this.#draining = true;
    const { drainDelayMs, drainTimeoutMs } = this.#options;
    this.#log.info({ signal, drainDelayMs, drainTimeoutMs }, 'shutting down');
    this.#toControl({ type: 'draining' });
    setTimeout(() => {
      this.#listeners.close();
      this.#handOver.close();
      for (const worker of this.#workers.values()) worker.send({ type: 'drain' });
      this.#endWhenAlone();
      setTimeout(() => this.#end({ exitCode: 0, problem: null }), drainTimeoutMs + KILL_AFTER_MS);
    }, drainDelayMs);
  }

  #forkControl(): void {
    const control = fork(entry('./control-main.js'), [], { serialization: 'advanced' });
    this.#starting = control;
    control.on('message', (message: FromControl) => {
      if (message.type === 'loaded') this.#beginControl(control);
      else this.#fromControl(message);
    });
    control.on('exit', (code, signal) => {
      this.#control = null;
      if (this.#draining) return;
      const waitMs = this.#backOff.next(performance.now());
      this.#log.error(
        { code, signal, waitMs },
        'the control process ended; workers go on with what they have',
      );
      setTimeout(() => !this.#draining && this.#forkControl(), waitMs);
      // What they had told the dead one is gone with it, and they may die too before the next one asks.
      for (const worker of this.#workers.values()) worker.send({ type: 'report-all' });
    });
  }

  #beginControl(control: ChildProcess): void {
    this.#control = control;
    const first = this.#controlStarts === 0;
    this.#toControl({
      type: 'begin',
      options: this.#options,
      kept: this.#kept,
      input: this.#input,
      restarted: this.#controlStarts++ > 0,
      startedAtMs: this.#startedAtMs,
    });
    for (const message of this.#reports.take(this.#workers.keys())) this.#toControl(message);
    // Workers load while the control process compiles, which takes longer; side by side from the start all load at half the speed.
    if (first && !this.#draining) for (let i = 0; i < this.#options.workers; i++) this.#forkWorker();
  }

  #forkWorker(): void {
    const id = ++this.#workerStarts;
    const worker = new Worker(id, fork(entry('./worker-main.js'), [], { serialization: 'advanced' }));
    const { child } = worker;
    this.#workers.set(id, worker);
    this.#toControl({ type: 'worker-began', worker: id });
    child.on('message', (message: WorkerToParent) => {
      if (message.type === 'loaded')
        worker.send({ type: 'begin', options: this.#options, worker: id, ticketKeys: this.#ticketKeys });
      else if (message.type === 'serving') {
        this.#handOver.add(worker);
        this.#shared?.add(worker);
      } else if (message.type === 'port-closed') this.#shared?.closed(worker, message.key);
      else this.#fromWorker(worker, message);
    });
    child.on('error', (error) => this.#log.warn({ worker: id }, error.message));
    child.on('disconnect', () => this.#leaves(worker));
    child.on('exit', (code, signal) => {
      this.#workers.delete(id);
      this.#leaves(worker);
      // Its last report may still be in the channel: that is read to its end before 'disconnect'.
      if (child.connected) child.once('disconnect', () => this.#workerEnded(id));
      else this.#workerEnded(id);
      if (this.#draining) {
        this.#endWhenAlone();
        return;
      }
      const waitMs = this.#backOff.next(performance.now());
      this.#log.error({ worker: id, pid: child.pid, code, signal, waitMs }, 'a worker ended; it is replaced');
      setTimeout(() => !this.#draining && this.#forkWorker(), waitMs);
    });
  }

  #leaves(worker: Worker): void {
    this.#handOver.remove(worker);
    this.#shared?.remove(worker);
  }

  #fromWorker(worker: Worker, message: Extract<WorkerToParent, { type: 'to-control' }>): void {
    const { payload, metrics } = message;
    if (this.#control !== null) this.#toControl({ type: 'from-worker', worker: worker.id, payload });
    else if (metrics !== null && this.#reports.add(worker.id, payload, metrics))
      worker.send({ type: 'report-all' });
  }

  #workerEnded(worker: number): void {
    const expected = this.#draining;
    if (this.#control !== null) this.#toControl({ type: 'worker-ended', worker, expected });
    else this.#reports.ended(worker, expected);
  }

  #fromControl(message: Exclude<FromControl, { type: 'loaded' }>): void {
    switch (message.type) {
      case 'to-workers': {
        const envelope: ParentToWorker = { type: 'from-control', payload: message.payload };
        for (const id of message.workers ?? this.#workers.keys()) {
          const worker = this.#workers.get(id);
          if (worker !== undefined) worker.send(envelope);
        }
        return;
      }
      case 'listen':
        void this.#listeners.update(message.listeners).then(() => this.#toControl({ type: 'listening' }));
        return;
      case 'keep':
        this.#kept = message.retired;
        return;
      case 'keep-input':
        this.#input = message.text;
        return;
      case 'stopped':
        this.#controlStopped = true;
        this.#endWhenAlone();
        return;
      case 'fatal':
        this.#end({ exitCode: 2, problem: message.message });
        return;
    }
  }

  #toControl(message: ToControl): void {
    if (this.#control?.connected) this.#control.send(message, (error) => void error);
  }

  /** The workers are gone, and the control process has said good-bye to the cluster, if it can within a moment. */
  #endWhenAlone(): void {
    if (this.#workers.size > 0) return;
    if (this.#controlStopped || this.#control === null) this.#end({ exitCode: 0, problem: null });
    else setTimeout(() => this.#end({ exitCode: 0, problem: null }), GOODBYE_MS);
  }

  #killAll(): void {
    for (const worker of this.#workers.values()) worker.child.kill('SIGKILL');
    this.#starting?.kill('SIGKILL');
  }
}

/** A worker process as the parent sees it. */
class Worker implements Taker, PortTaker {
  readonly id: number;
  readonly child: ChildProcess;
  /** Node sends one connection after another, each when the one before has arrived; these wait, and would for ever if it died. */
  readonly #leaving = new Map<Accepted, string>();

  constructor(id: number, child: ChildProcess) {
    this.id = id;
    this.child = child;
  }

  /** A worker that is just ending has a closed channel; its 'exit' is on the way. */
  send(message: ParentToWorker): void {
    if (this.child.connected) this.child.send(message, (error) => void error);
  }

  /** Gives it a connection; ours is closed when it has gone over, or could not be sent. */
  take(accepted: Accepted, listener: string): void {
    const message: ParentToWorker = { type: 'connection', listener };
    if (!this.child.connected) {
      closeAccepted(accepted);
      return;
    }
    this.#leaving.set(accepted, listener);
    this.child.send(message, accepted as SendHandle, {}, (error) => {
      // A connection that has gone to another meanwhile is that one's.
      if (!this.#leaving.delete(accepted)) return;
      if (error !== null || isHandle(accepted)) closeAccepted(accepted);
    });
  }

  acceptFrom(key: string, handle: ListeningHandle): void {
    const message: ParentToWorker = { type: 'accept-from', key };
    if (!this.child.connected) return;
    this.child.send(message, handle as object as SendHandle, {}, (error) => void error);
  }

  closePort(key: string): void {
    this.send({ type: 'close-port', key });
  }

  undelivered(): (readonly [Accepted, string])[] {
    const all = [...this.#leaving];
    this.#leaving.clear();
    return all;
  }
}

function entry(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
