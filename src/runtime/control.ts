import type { Logger } from 'pino';
import type { SplitChangeReport } from '../admin/reports.ts';
import { type AdminServer, startAdmin, startAdminSocket } from '../admin/server.ts';
import { type Compilation, Compiler, type CompilerInput } from '../compiler/compiler.ts';
import { weightChanges } from '../compiler/weight-changes.ts';
import { endpointsKey } from '../model/endpoints.ts';
import type { SplitCommand } from '../resources/serin/overlay.ts';
import { AbortedCalls } from './aborted-calls.ts';
import { certificateChecker } from './certificate-checker.ts';
import { ControlState } from './control-state.ts';
import { EndpointTable } from './endpoint-table.ts';
import { type Inputs, openInputs } from './inputs.ts';
import { systemLookup } from './lookup.ts';
import { decodeFromWorker, type FromControl, type FromWorker, type ToControl } from './messages.ts';
import type { RunOptions } from './options.ts';
import { refusedBackends } from './refused-backends.ts';
import { Resolver } from './resolver.ts';
import { listeningAt, SnapshotFile, snapshotOf } from './saved-snapshot.ts';
import { wholePatch } from './snapshot-parts.ts';
import { SplitOverlays, SplitRefusal } from './split-overlays.ts';
import { ADMIN_SOCKET, prepareState } from './state-folder.ts';
import { WorkerFeed } from './worker-feed.ts';

/** How long a restarted control process waits for the workers' counts before anybody may scrape, in milliseconds. */
const RECOUNT_MS = 1000;
/** Issues of one change that are written to the log; the rest is counted. */
const MAX_TOLD = 100;
/** How long the cluster may take to be reached before what was served last is served, in milliseconds. */
const RESTORE_MS = 3000;
/** Interval of the samples behind rates, in milliseconds. */
const SAMPLE_MS = 1000;
/** Interval of looking at what the cluster should be told, in milliseconds: pods come and go without a compile. */
const REPORT_MS = 2000;
/** Between two reports behind compiles, in milliseconds: a hundred changes of endpoints a second need no hundred looks at all Canaries. */
const REPORT_SPACING_MS = 250;

type Begin = Extract<ToControl, { type: 'begin' }>;

/** The control process: sources → compiler → workers, the resolver, the admin server and the merging of metrics. */
export class Control {
  readonly #options: RunOptions;
  readonly #restarted: boolean;
  readonly #send: (message: FromControl) => void;
  readonly #log: Logger;
  readonly #compiler: Compiler;
  readonly #inputs: Inputs;
  readonly #table: EndpointTable;
  /** What commands have set, where no cluster keeps it. */
  readonly #overlays: SplitOverlays;
  readonly #resolver: Resolver;
  readonly #feed: WorkerFeed;
  readonly #state: ControlState;
  #admin: AdminServer | null = null;
  #wasReady = false;
  /** Changes that wait for the compile before them. */
  readonly #waiting: CompilerInput[] = [];
  #compiling = false;
  /** Keeps what is served for a start without the API server; null = there is no need, or no folder. */
  readonly #file: SnapshotFile | null;
  /** Endpoints of a snapshot of another life, by key. */
  #restored: Set<string> = new Set();
  /** Secrets that are followed. */
  #secrets: ReadonlySet<string> = new Set();
  /** Who waits for a revision to be served. */
  readonly #waiters: { readonly revision: number; readonly resolve: () => void }[] = [];
  readonly #aborted: AbortedCalls;
  /** Versions of the Canaries that compiled revisions have, and that not all workers serve yet. */
  readonly #versions: { readonly revision: number; readonly version: string }[] = [];
  #reportTimer: NodeJS.Timeout | null = null;
  /** When was last reported, by the monotonic clock. */
  #reportedAt = Number.NEGATIVE_INFINITY;
  /** The last revision that the log has. */
  #told = 0;

  constructor(begin: Begin, send: (message: FromControl) => void, log: Logger) {
    const { options } = begin;
    this.#options = options;
    this.#restarted = begin.restarted;
    this.#send = send;
    this.#log = log;
    const refuses = options.cluster === null ? () => null : refusedBackends(options.allowBackends);
    this.#table = new EndpointTable(refuses);
    if (options.state !== null) prepareState(options.state);
    this.#file =
      options.state === null || options.cluster === null
        ? null
        : new SnapshotFile(options.state, (message) => log.warn(message));
    this.#overlays = new SplitOverlays(options.state);
    this.#inputs = openInputs({
      options,
      input: begin.input,
      keepInput: (text) => send({ type: 'keep-input', text }),
      onChange: (changes) => void this.#take(changes),
      log,
    });
    this.#compiler = new Compiler({
      ambassadorIds: options.ambassadorIds,
      resolve: options.resolve,
      inCluster: options.cluster !== null,
      zone: options.cluster?.zone ?? null,
      refuses,
      listen: options.listen,
      bind: options.bind,
      unguarded: options.unguarded,
      isolateNamespaces: options.isolateNamespaces,
      verifyUpstreams: options.verifyUpstreams,
      certificates: certificateChecker(),
      files: this.#inputs.named,
      environment: process.env,
    });
    this.#resolver = new Resolver(systemLookup(), (host, resolution) => {
      if (resolution.problem !== null) log.warn({ host }, resolution.problem);
      this.#feed.endpoints(this.#table.resolved(host, resolution));
    });
    this.#feed = new WorkerFeed(send, () => this.#table.all());
    this.#aborted = new AbortedCalls(({ service, port, version }) => {
      this.#log.warn({ service, version }, 'the running calls of an aborted canary are ended');
      this.#feed.endCalls(service, port, version);
    });
    this.#compiler.setOverlays(this.#overlays.all);
    this.#state = new ControlState(begin, this.#feed, this.#table, () => this.#inputs.problems(), {
      splits: () => this.#compiler.splits(),
      obey: (name, command, by) => this.#obey(name, command, by),
    });
  }

  /** Reads, compiles, serves. Rejects with one line for the user when that cannot be. */
  async start(): Promise<void> {
    // Workers that said `started` before this process listened say it again.
    this.#feed.hello();
    // A cluster can take its time, and somebody has to say so meanwhile; manifests that are not there are told first.
    const patient = this.#options.cluster !== null;
    if (patient) await this.#openAdmin();
    const restoring = patient ? setTimeout(() => this.#restore(), RESTORE_MS) : null;
    const all = await this.#inputs.start();
    if (restoring !== null) clearTimeout(restoring);
    if (!patient) await this.#openAdmin();
    await this.#take(all);
    setInterval(() => this.#state.sampleRates(performance.now()), SAMPLE_MS).unref();
    setInterval(() => this.#report(), REPORT_MS).unref();
  }

  /** The cluster is not reached: what was served last is better than nothing. */
  #restore(): void {
    const saved = this.#file?.read() ?? null;
    if (saved === null) return;
    const patch = listeningAt(saved.patch, this.#options.listen);
    const snapshot = snapshotOf(patch);
    this.#log.warn(
      { routes: snapshot.routes.size },
      'the cluster is not reached; what was served last is served',
    );
    this.#state.restored = snapshot;
    this.#restored = new Set(saved.services.map(endpointsKey));
    this.#feed.endpoints(this.#table.compiled({ set: saved.services, delete: [] }));
    this.#feed.snapshot(snapshot, patch);
    this.#send({ type: 'listen', listeners: snapshot.listeners });
  }

  async #obey(name: string, command: SplitCommand, by: string): Promise<SplitChangeReport> {
    if (this.#options.cluster !== null)
      throw new SplitRefusal(
        'the weights of a cluster are in its Canaries: use kubectl serin, or serin with --kubernetes',
      );
    const change = this.#overlays.obey(this.#compiler.splits(), name, command, by);
    this.#log.info(
      { split: change.name, weight: change.weight, by },
      `${command.kind}: the weight is ${change.weight} %`,
    );
    this.#compiler.setOverlays(this.#overlays.all);
    await this.#take([]);
    await this.#isApplied(this.#state.compilation!.snapshot.revision);
    return change;
  }

  /** Resolves when all workers serve a revision. */
  #isApplied(revision: number): Promise<void> {
    if (this.#feed.appliedByAll >= revision) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ revision, resolve }));
  }

  async #openAdmin(): Promise<void> {
    if (this.#restarted) await this.#recount();
    const { admin, adminTokenFile, state } = this.#options;
    this.#admin = await startAdmin(this.#state, { ...admin, tokenFile: adminTokenFile });
    if (state !== null) await startAdminSocket(this.#state, `${state}/${ADMIN_SOCKET}`);
  }

  /** Takes a message of the parent. */
  receive(message: ToControl): void {
    switch (message.type) {
      case 'begin':
        return;
      case 'worker-began':
        this.#feed.began(message.worker);
        return;
      case 'worker-ended':
        this.#feed.ended(message.worker);
        this.#state.merged.retire(message.worker, !message.expected);
        this.#send({ type: 'keep', retired: this.#state.merged.dumpRetired() });
        return;
      case 'listening':
        this.#state.listening = true;
        this.#tellReady();
        return;
      case 'listen-failed':
        this.#listenFailed(message);
        return;
      case 'from-worker':
        this.#fromWorker(message.worker, decodeFromWorker(message.payload));
        return;
      case 'draining':
        this.#state.draining = true;
        void this.#inputs.stop().then(() => this.#send({ type: 'stopped' }));
        this.#resolver.stop();
        return;
    }
  }

  #fromWorker(worker: number, message: FromWorker): void {
    switch (message.type) {
      case 'started':
        this.#feed.started(worker);
        return;
      case 'gap':
        this.#feed.whole(worker);
        return;
      case 'applied':
        this.#feed.applied(worker, message.revision);
        this.#tellApplied();
        this.#tellReady();
        return;
      case 'resolve':
        this.#resolve(message.service);
        return;
      case 'metrics':
        this.#state.merged.apply(worker, message.report);
        return;
    }
  }

  /** Compiles and serves what has changed, one after another. */
  async #take(changes: readonly CompilerInput[]): Promise<void> {
    this.#waiting.push(...changes);
    if (this.#compiling) return;
    this.#compiling = true;
    do {
      const began = performance.now();
      const { canaryVersion } = this.#inputs;
      const compilations = [this.#compiler.update(this.#waiting.splice(0))];
      const { secretsNamed } = this.#compiler;
      // Without its Secrets a new host would be refused for a moment, and an error told that is none.
      if (this.#inputs.followSecrets !== null && !isSame(secretsNamed, this.#secrets)) {
        this.#secrets = secretsNamed;
        await this.#inputs.followSecrets(secretsNamed);
        compilations.push(this.#compiler.update(this.#waiting.splice(0)));
      }
      for (const compilation of compilations) this.#publish(compilation);
      this.#tell(compilations.at(-1)!, performance.now() - began);
      this.#versions.push({ revision: this.#state.compilation!.snapshot.revision, version: canaryVersion });
      this.#tellApplied();
      this.#reportSoon();
    } while (this.#waiting.length > 0);
    this.#compiling = false;
  }

  #reportSoon(): void {
    if (this.#reportTimer !== null) return;
    const waitMs = Math.max(0, this.#reportedAt + REPORT_SPACING_MS - performance.now());
    this.#reportTimer = setTimeout(() => this.#report(), waitMs);
    this.#reportTimer.unref();
  }

  /** What has to be said in the cluster; the shares that were observed change all the time. */
  #report(): void {
    if (this.#reportTimer !== null) clearTimeout(this.#reportTimer);
    this.#reportTimer = null;
    this.#reportedAt = performance.now();
    const canaries = this.#compiler.canaries();
    this.#aborted.update(this.#compiler.overlaidSplits(), Date.now());
    const { reporter } = this.#inputs;
    if (reporter === null || this.#state.compilation === null) return;
    // What came since the last compile changed nothing, such as a status that was written.
    if (!this.#compiling && this.#versions.length === 0) reporter.applied(this.#inputs.canaryVersion);
    const { issues } = this.#state.compilation;
    const shares = this.#state.observedShares(canaries, performance.now());
    const shareOf = new Map(canaries.map((canary, at) => [canary, shares[at]!]));
    reporter.take({ issues, canaries, observedShare: (canary) => shareOf.get(canary) ?? null });
  }

  /** Tells up to which version of the Canaries all workers serve what they say. */
  #tellApplied(): void {
    const applied = this.#feed.appliedByAll;
    for (const { revision, resolve } of this.#waiters.splice(0)) {
      if (revision <= applied) resolve();
      else this.#waiters.push({ revision, resolve });
    }
    while (this.#versions.length > 0 && this.#versions[0]!.revision <= applied) {
      const { version } = this.#versions.shift()!;
      this.#inputs.reporter?.applied(version);
    }
  }

  #publish(compilation: Compilation): void {
    const before = this.#state.compilation?.snapshot;
    this.#state.compilation = compilation;
    if (before !== undefined)
      this.#inputs.reporter?.weightsChanged(weightChanges(before, compilation.snapshot), (mapping) =>
        this.#compiler.fileOfMapping(mapping),
      );
    const { patch, snapshot, services } = compilation;
    // After a snapshot of another life the first own one takes its place as a whole.
    const stale = [...this.#restored].filter((key) => !services.has(key));
    const next = this.#state.restored === null ? patch : wholePatch(snapshot);
    this.#restored.clear();
    this.#state.restored = null;
    const { set, delete: gone } = compilation.endpointsPatch;
    const endpoints = this.#table.compiled({ set, delete: [...gone, ...stale] });
    this.#feed.endpoints({ set: endpoints.set, delete: [] });
    this.#feed.snapshot(snapshot, next);
    this.#feed.endpoints({ set: [], delete: endpoints.delete });
    this.#file?.save(() => {
      return { snapshot: this.#state.compilation!.snapshot, services: this.#table.compiledEntries() };
    });
    // Behind the snapshot, so that a worker has what a new port serves before it has a connection from it.
    if (patch.from === 0 || patch.listeners !== null)
      this.#send({ type: 'listen', listeners: snapshot.listeners });
    this.#resolver.retain((host) => this.#table.needs(host));
  }

  #tell(compilation: Compilation, tookMs: number): void {
    const issues = this.#state.newIssues();
    for (const issue of issues.slice(0, MAX_TOLD)) {
      // An object of a cluster is its own place.
      const place = issue.file === issue.object ? '' : `${issue.file}:${issue.line}:${issue.column}: `;
      const text = `${place}${issue.message}${issue.help === null ? '' : `; ${issue.help}`}`;
      this.#log[issue.severity === 'error' ? 'error' : 'warn'](
        { code: issue.code, object: issue.object },
        text,
      );
    }
    if (issues.length > MAX_TOLD) {
      this.#log.warn(
        `${issues.length - MAX_TOLD} more: serin check, or /api/v1/errors on the admin port, shows all`,
      );
    }
    const { revision, routes, tcpRoutes } = compilation.snapshot;
    if (revision === this.#told) return;
    this.#told = revision;
    this.#log.info(
      { revision, routes: routes.size + tcpRoutes.length, ms: Math.round(tookMs) },
      'configuration compiled',
    );
  }

  #resolve(service: string): void {
    const host = this.#table.hostOf(service);
    if (host !== null) this.#resolver.want(host);
    // Asked again by a worker that has not yet heard the answer.
    const known = this.#table.get(service);
    if (known !== undefined && known.state !== 'pending') this.#feed.endpoints({ set: [known], delete: [] });
  }

  #listenFailed(failure: Extract<ToControl, { type: 'listen-failed' }>): void {
    const { listener, code } = failure;
    const address = `${listener.address ?? this.#options.bind}:${listener.port}`;
    const why =
      code === 'EADDRINUSE'
        ? 'the port is taken'
        : code === 'EACCES'
          ? 'not permitted (a port below 1024 needs privileges)'
          : failure.message;
    const remedy =
      listener.protocol === 'tcp'
        ? 'choose another port in the TCPMapping, or another address with --bind'
        : 'choose another with --listen HOST:PORT';
    const line = `${address}: ${why}; ${remedy}`;
    if (!this.#wasReady && !this.#restarted) this.#send({ type: 'fatal', message: line });
    else this.#log.error({ listener: listener.name }, line);
  }

  #tellReady(): void {
    if (this.#wasReady || !this.#state.readiness().ready) return;
    this.#wasReady = true;
    const snapshot = this.#state.snapshot!;
    const listeners = snapshot.listeners.map((l) => `${l.address ?? this.#options.bind}:${l.port}`);
    const routes = snapshot.routes.size + snapshot.tcpRoutes.length;
    this.#log.info({ routes, listeners, admin: this.#admin?.url }, 'ready');
  }

  /** Waits until all workers have told all that they have counted, so that no scrape sees less than the one before. */
  async #recount(): Promise<void> {
    const until = performance.now() + RECOUNT_MS;
    while (performance.now() < until && this.#state.merged.workers < this.#feed.workers) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

function isSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}
