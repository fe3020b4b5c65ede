import type { Logger } from 'pino';
import { type AdminServer, startAdmin } from '../admin/server.ts';
import { type Compilation, Compiler, type FileInput } from '../compiler/compiler.ts';
import { type FileChange, type FileSource, STANDARD_INPUT, watchFiles } from '../sources/files.ts';
import { NamedFiles } from '../sources/named-files.ts';
import { certificateChecker } from './certificate-checker.ts';
import { ControlState } from './control-state.ts';
import { EndpointTable } from './endpoint-table.ts';
import { systemLookup } from './lookup.ts';
import { decodeFromWorker, type FromControl, type FromWorker, type ToControl } from './messages.ts';
import type { RunOptions } from './options.ts';
import { Resolver } from './resolver.ts';
import { WorkerFeed } from './worker-feed.ts';

/** How long a restarted control process waits for the workers' counts before anybody may scrape, in milliseconds. */
const RECOUNT_MS = 1000;
/** Issues of one change that are written to the log; the rest is counted. */
const MAX_TOLD = 100;
/** Interval of the samples behind rates, in milliseconds. */
const SAMPLE_MS = 1000;

type Begin = Extract<ToControl, { type: 'begin' }>;

/** The control process: sources → compiler → workers, the resolver, the admin server and the merging of metrics. */
export class Control {
  readonly #options: RunOptions;
  readonly #restarted: boolean;
  readonly #input: string | null;
  readonly #send: (message: FromControl) => void;
  readonly #log: Logger;
  readonly #compiler: Compiler;
  readonly #source: FileSource;
  /** Certificates and the like that manifests name. */
  readonly #named: NamedFiles;
  readonly #table = new EndpointTable();
  readonly #resolver: Resolver;
  readonly #feed: WorkerFeed;
  readonly #state: ControlState;
  #admin: AdminServer | null = null;
  #wasReady = false;

  constructor(begin: Begin, send: (message: FromControl) => void, log: Logger) {
    const { options } = begin;
    this.#options = options;
    this.#restarted = begin.restarted;
    this.#input = begin.input;
    this.#send = send;
    this.#log = log;
    this.#named = new NamedFiles((path) => this.#update([{ path, text: null, external: true }]));
    this.#compiler = new Compiler({
      ambassadorIds: options.ambassadorIds,
      resolve: options.resolve,
      inCluster: false,
      zone: null,
      refuses: () => null,
      listen: options.listen,
      bind: options.bind,
      unguarded: options.unguarded,
      isolateNamespaces: options.isolateNamespaces,
      // Upstreams are not spoken to over TLS yet.
      verifyUpstreams: options.verifyUpstreams,
      certificates: certificateChecker(),
      files: this.#named,
      environment: process.env,
    });
    const again = begin.input !== null;
    const paths = again ? options.paths.filter((path) => path !== STANDARD_INPUT) : options.paths;
    this.#source = watchFiles(paths, { follow: true });
    this.#resolver = new Resolver(systemLookup(), (host, resolution) => {
      if (resolution.problem !== null) log.warn({ host }, resolution.problem);
      this.#feed.endpoints(this.#table.resolved(host, resolution));
    });
    this.#feed = new WorkerFeed(send, () => this.#table.all());
    this.#state = new ControlState(begin, this.#feed, this.#table);
  }

  /** Reads, compiles, serves. Rejects with one line for the user when that cannot be. */
  async start(): Promise<void> {
    // Workers that said `started` before this process listened say it again.
    this.#feed.hello();
    const files = await this.#files();
    this.#source.onChange((changes) => this.#update(changes));
    if (this.#restarted) await this.#recount();
    const { admin, adminTokenFile } = this.#options;
    this.#admin = await startAdmin(this.#state, { ...admin, tokenFile: adminTokenFile });
    this.#update(files);
    setInterval(() => this.#state.sampleRates(performance.now()), SAMPLE_MS).unref();
  }

  /** Everything there is at the start. Standard input is read by the first control process only, and kept by the parent. */
  async #files(): Promise<readonly FileChange[]> {
    const files = await this.#source.start();
    if (this.#input !== null) return [{ path: STANDARD_INPUT, text: this.#input }, ...files];
    const input = files.find((file) => file.path === STANDARD_INPUT);
    if (input?.text != null) this.#send({ type: 'keep-input', text: input.text });
    return files;
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
        this.#source.stop();
        this.#named.stop();
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

  #update(changes: readonly FileInput[]): void {
    const began = performance.now();
    const compilation = this.#compiler.update(changes);
    this.#state.compilation = compilation;
    const endpoints = this.#table.compiled(compilation.endpointsPatch);
    this.#feed.endpoints({ set: endpoints.set, delete: [] });
    this.#feed.snapshot(compilation.snapshot, compilation.patch);
    this.#feed.endpoints({ set: [], delete: endpoints.delete });
    // Behind the snapshot, so that a worker has what a new port serves before it has a connection from it.
    const { patch, snapshot } = compilation;
    if (patch.from === 0 || patch.listeners !== null)
      this.#send({ type: 'listen', listeners: snapshot.listeners });
    this.#resolver.retain((host) => this.#table.needs(host));
    this.#tell(compilation, performance.now() - began);
  }

  #tell(compilation: Compilation, tookMs: number): void {
    const issues = this.#state.newIssues();
    for (const issue of issues.slice(0, MAX_TOLD)) {
      const place = `${issue.file}:${issue.line}:${issue.column}`;
      const text = `${place}: ${issue.message}${issue.help === null ? '' : `; ${issue.help}`}`;
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
    const snapshot = this.#state.compilation!.snapshot;
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
