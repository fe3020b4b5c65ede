import { type LabelSelector, parseLabelSelector } from '../lib/label-selector.ts';
import { ApiClient, type ApiError, type Raw } from './api-client.ts';
import { type Credentials, loadCredentials } from './credentials.ts';
import { Discovery, type Served, servedVersions } from './discovery.ts';
import { jittered } from './jitter.ts';
import { asMap, secretKind, type WatchedKind, watchedKinds } from './kinds.ts';
import { isAtLeast } from './lease.ts';
import { type ClusterProblem, problemOf } from './problems.ts';
import { defaultTimes, type ObjectChange, Reflector, type ReflectorTimes } from './reflector.ts';
import { SliceKeeper } from './slice-keeper.ts';

/** What of a cluster is followed. */
export interface KubernetesOptions {
  /** Context of the kubeconfig; null = the pod's ServiceAccount, else the current context. */
  readonly context: string | null;
  /** Null = all namespaces. */
  readonly namespace: string | null;
  /** Which objects configure the gateway; null = all. */
  readonly selector: string | null;
  /** Milliseconds after which a watch without a word is given up; null = the default. */
  readonly watchSilenceMs: number | null;
}

/** Which object something is about: what Events and status writes need. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** What the source tells. */
export interface SourceEvents {
  /** Objects that changed, together. */
  changed(changes: readonly ObjectChange[]): void;
  /** A problem that is new, or (null) one that is over. */
  problem(kind: string, problem: ClusterProblem | null): void;
}

/** Changes that come within so long of one another are told together, milliseconds. */
const GATHER_MS = 10;
/** Between two looks for kinds that come and go, milliseconds. */
const DISCOVERY_MS = 3000;
/**
 * A kind that the API server fails to give for so long is done without at the start, milliseconds. One that has just begun fails for
 * some seconds, and to be ready without its Services would be worse than to be late.
 */
const MOST_FAILING_MS = 20_000;
/** So long a version that could not be read is not tried again, milliseconds. */
const UNREADABLE_MS = 60_000;
/**
 * How long the first word on a Secret is waited for, milliseconds: at the start, and later, when other changes wait meanwhile and a tenant
 * can name any number of Secrets that are not there.
 */
const FIRST_SECRETS_MS = 5000;
const SECRET_MS = 250;
const annotation = 'getambassador.io/config';

/** A reflector that runs, and whether its first list has come. */
interface Running {
  readonly kind: WatchedKind;
  readonly version: string;
  readonly reflector: Reflector;
  /** Settled with the first list, or with a reason why there will be none. */
  readonly told: Promise<void>;
  /** Settles `told`. */
  readonly tell: () => void;
  /** Settled with the first list. */
  readonly listed: Promise<void>;
}

/** Follows a cluster: all kinds of {@link watchedKinds}, those that come later included, and Secrets that are asked for. */
export class KubernetesSource {
  readonly #options: KubernetesOptions;
  readonly #events: SourceEvents;
  readonly #times: ReflectorTimes;
  readonly #matches: LabelSelector | null;
  readonly #running = new Map<string, Running>();
  readonly #secrets = new Map<string, Running>();
  readonly #references = new Map<string, ObjectReference>();
  readonly #statuses = new Map<string, Raw>();
  /** The greatest resource version of a Canary that has come, and that has been told. */
  #canaryVersion = '0';
  #toldVersion = '0';
  readonly #unreached = new Set<string>();
  readonly #problems = new Map<string, ClusterProblem>();
  /** Versions of kinds that could not be read (a conversion that fails), and since when: another one is tried. */
  readonly #unreadable = new Map<string, number>();
  /** Objects of versions that were left, until another one's list says whether they are still there. */
  readonly #former = new Map<string, readonly ObjectChange[]>();
  /** Since when a kind cannot be read, in whatever version, by the monotonic clock. */
  readonly #failingSince = new Map<string, number>();
  readonly #keeper = new SliceKeeper((changes) => this.#gather(changes));
  readonly #queue = new Map<string, Raw | null>();
  #client: ApiClient | null = null;
  #credentials: Credentials | null = null;
  #discovery: Discovery | null = null;
  #served: Served = new Set();
  /** Before the first complete list of everything nothing is told. */
  #complete = false;
  /** The first Secrets have been waited for. */
  #hadSecrets = false;
  #stopped = false;
  #flushedAt = 0;
  #flushTimer: NodeJS.Timeout | null = null;
  #discoveryTimer: NodeJS.Timeout | null = null;

  constructor(options: KubernetesOptions, events: SourceEvents) {
    this.#options = options;
    this.#events = events;
    this.#matches = options.selector === null ? null : parseLabelSelector(options.selector);
    const { watchSilenceMs } = options;
    this.#times = watchSilenceMs === null ? defaultTimes : { ...defaultTimes, silenceMs: watchSilenceMs };
  }

  /** The client; null before {@link connect}. */
  get client(): ApiClient | null {
    return this.#client;
  }

  /** Who asks, and where. Null before {@link connect}. */
  get credentials(): Credentials | null {
    return this.#credentials;
  }

  /** What is wrong now, with the kind that it is about. */
  get problems(): ReadonlyMap<string, ClusterProblem> {
    return this.#problems;
  }

  /** Finds the credentials. Rejects with one line for the user where there are none. */
  async connect(): Promise<void> {
    this.#credentials = await loadCredentials(this.#options.context);
    this.#client = new ApiClient(this.#credentials);
    this.#discovery = new Discovery(this.#client);
  }

  /**
   * Lists everything once; resolves to all of it. While the API server is not reached it goes on trying. Once it is stopped it never
   * resolves: what has come until then is not all there is, and would take the place of what is served.
   */
  async start(): Promise<readonly ObjectChange[]> {
    await this.#discoverFirst();
    if (this.#stopped) return new Promise(() => {});
    await Promise.all([...this.#running.values()].map(({ told }) => told));
    this.#complete = true;
    this.#discoverAgain();
    return this.#take();
  }

  /** What object a path of {@link ObjectChange} means; null for kinds of which nothing is reported. */
  reference(path: string): ObjectReference | null {
    return this.#references.get(path) ?? null;
  }

  /** Status of a Canary or Mapping as the API server has it; null for one that is not there. */
  status(path: string): Raw | null {
    return this.#statuses.get(path) ?? null;
  }

  /** All objects of a kind of which something is reported, by path. */
  *referencesOf(kind: string): Generator<readonly [path: string, reference: ObjectReference]> {
    for (const [path, reference] of this.#references) if (reference.kind === kind) yield [path, reference];
  }

  /** The resource version of Canaries up to which everything has been told. */
  get canaryVersion(): string {
    if (this.#queue.size === 0) this.#toldVersion = this.#canaryVersion;
    return this.#toldVersion;
  }

  /**
   * Follows exactly these Secrets (`namespace/name`). Resolves when each new one is known, or known not to be there; at
   * the latest after five seconds for the first ones, a quarter of one later. What they hold comes as changes.
   */
  async retainSecrets(names: ReadonlySet<string>): Promise<void> {
    for (const [name, { reflector }] of this.#secrets) {
      if (names.has(name)) continue;
      reflector.stop();
      this.#secrets.delete(name);
      this.#kindProblem(`Secret ${name}`, null);
      this.#gather(reflector.forget());
    }
    const fresh: Promise<void>[] = [];
    for (const name of names) {
      if (this.#secrets.has(name)) continue;
      const [namespace, object] = name.split('/') as [string, string];
      const running = this.#run(secretKind, 'v1', `Secret ${name}`, namespace, `metadata.name=${object}`);
      this.#secrets.set(name, running);
      fresh.push(running.told);
    }
    if (fresh.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#hadSecrets ? SECRET_MS : FIRST_SECRETS_MS);
    });
    await Promise.race([Promise.all(fresh), late]);
    this.#hadSecrets = true;
    clearTimeout(timer);
    this.#flush();
  }

  /** Ends everything; nothing is told afterwards. */
  stop(): void {
    this.#stopped = true;
    this.#keeper.stop();
    for (const { reflector } of [...this.#running.values(), ...this.#secrets.values()]) reflector.stop();
    if (this.#flushTimer !== null) clearTimeout(this.#flushTimer);
    if (this.#discoveryTimer !== null) clearTimeout(this.#discoveryTimer);
  }

  async #discoverFirst(): Promise<void> {
    for (let waitMs = 250; !this.#stopped; waitMs = Math.min(5000, waitMs * 2)) {
      if (await this.#isSettled()) {
        if (await this.#discover()) return;
      }
      await new Promise((resolve) => setTimeout(resolve, jittered(waitMs)));
    }
  }

  #discoverAgain(): void {
    if (this.#stopped) return;
    this.#discoveryTimer = setTimeout(
      () => void this.#discover().then(() => this.#discoverAgain()),
      jittered(DISCOVERY_MS),
    );
    this.#discoveryTimer.unref();
  }

  /** Starts and ends reflectors as kinds come and go; false where the API server did not say. */
  async #discover(): Promise<boolean> {
    try {
      let served = await this.#discovery!.read();
      if ([...this.#running.values()].some(({ kind }) => servedVersions(kind, served).length === 0)) {
        // A server that is just starting does not know custom kinds yet: their objects must not go for that.
        if (!(await this.#isSettled())) return false;
        served = await this.#discovery!.readAgain();
      }
      this.#served = served;
    } catch (error) {
      this.#kindProblem('discovery', problemOf(discoveryKind, error as ApiError, null));
      return false;
    }
    if (this.#stopped) return true;
    this.#kindProblem('discovery', null);
    for (const kind of watchedKinds) this.#choose(kind);
    return true;
  }

  async #isSettled(): Promise<boolean> {
    try {
      return await this.#discovery!.isSettled();
    } catch (error) {
      this.#kindProblem('discovery', problemOf(discoveryKind, error as ApiError, null));
      return false;
    }
  }

  /** Follows a kind in its preferred version that is served and can be read. */
  #choose(kind: WatchedKind): void {
    const served = servedVersions(kind, this.#served);
    const readable = served.filter((version) => !this.#unreadable.has(`${kind.kind} ${version}`));
    const version = readable[0] ?? served[0] ?? null;
    const running = this.#running.get(kind.kind);
    if (running?.version === version || (running === undefined && version === null)) return;
    running?.reflector.stop();
    this.#running.delete(kind.kind);
    this.#kindProblem(kind.kind, null);
    const before = [...(this.#former.get(kind.kind) ?? []), ...(running?.reflector.forget() ?? [])];
    this.#former.delete(kind.kind);
    if (version === null) {
      this.#route(kind, before);
      return;
    }
    const { namespace, selector } = this.#options;
    const next = this.#run(kind, version, kind.kind, namespace, null, kind.configures ? selector : null);
    this.#running.set(kind.kind, next);
    // Who waits for the other version's list waits for this one's.
    if (running !== undefined) void next.told.then(running.tell);
    if (before.length === 0) return;
    // Objects that the other version had and this one has not are gone; if it has no list either, the next one tells.
    this.#former.set(kind.kind, before);
    void next.listed.then(() => {
      if (this.#former.get(kind.kind) !== before) return;
      this.#former.delete(kind.kind);
      this.#route(
        kind,
        before.filter(({ path }) => !next.reflector.knows(path)),
      );
    });
  }

  #run(
    kind: WatchedKind,
    version: string,
    key: string,
    namespace: string | null,
    fieldSelector: string | null,
    labelSelector: string | null = null,
  ): Running {
    let tell: () => void = () => {};
    let haveList: () => void = () => {};
    const listed = new Promise<void>((resolve) => {
      haveList = resolve;
    });
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    void listed.then(tell);
    const reflector = new Reflector(
      this.#client!,
      { kind, version, namespace, fieldSelector, labelSelector },
      {
        changed: (changes) => {
          this.#route(kind, changes);
          this.#failingSince.delete(key);
          haveList();
        },
        seen: (object, path) => this.#see(kind, version, object, path),
        problem: (error) => {
          this.#kindProblem(key, error === null ? null : problemOf(kind, error, namespace));
          // Not there, or not allowed: that is an answer, too. A failure is none, unless it goes on.
          const now = performance.now();
          const since = this.#failingSince.get(key) ?? now;
          if (error === null) this.#failingSince.delete(key);
          else this.#failingSince.set(key, since);
          if (error !== null && isRefusal(error, now - since)) tell();
          if (error !== null && kind.custom && /conver/i.test(error.message))
            this.#unreadableIn(kind, version);
        },
      },
      this.#times,
    );
    void reflector.run();
    return { kind, version, reflector, told, tell, listed };
  }

  /** A version that the API server cannot convert to is left for another one, if there is one. */
  #unreadableIn(kind: WatchedKind, version: string): void {
    const known = this.#running.get(kind.kind)?.reflector.lists ?? 0;
    if (known < 2) return;
    const now = performance.now();
    const key = `${kind.kind} ${version}`;
    if (!this.#unreadable.has(key)) this.#unreadable.set(key, now);
    const keys = servedVersions(kind, this.#served).map((item) => `${kind.kind} ${item}`);
    // None can be read: it stays with one, and looks at the others once a minute.
    if (keys.every((item) => this.#unreadable.has(item)))
      for (const item of keys)
        if (now - this.#unreadable.get(item)! > UNREADABLE_MS) this.#unreadable.delete(item);
    this.#choose(kind);
  }

  #see(kind: WatchedKind, version: string, object: Raw, path: string): void {
    if (!kind.configures && kind.kind !== 'Service') return;
    if (kind.kind === 'Canary' || kind.kind === 'Mapping') this.#statuses.set(path, asMap(object.status));
    if (kind.kind === 'Canary') {
      const seen = String(asMap(object.metadata).resourceVersion);
      if (!isAtLeast(this.#canaryVersion, seen)) this.#canaryVersion = seen;
    }
    const { name, namespace, uid, resourceVersion } = asMap(object.metadata);
    this.#references.set(path, {
      apiVersion: kind.group === '' ? version : `${kind.group}/${version}`,
      kind: kind.kind,
      name: String(name),
      namespace: String(namespace ?? ''),
      uid: String(uid),
      resourceVersion: String(resourceVersion),
    });
  }

  #route(kind: WatchedKind, changes: readonly ObjectChange[]): void {
    for (const { path, object } of changes) {
      if (object !== null) continue;
      this.#references.delete(path);
      this.#statuses.delete(path);
    }
    if (kind.kind === 'Service') this.#keeper.services(changes.map((change) => this.#selected(change)));
    else if (kind.kind === 'EndpointSlice') this.#keeper.slices(changes);
    else this.#gather(changes);
  }

  /** A Service that the selector does not mean is a Service all the same; its annotation is not read. */
  #selected(change: ObjectChange): ObjectChange {
    const { object, path } = change;
    if (object === null || this.#matches === null) return change;
    const metadata = asMap(object.metadata);
    if (this.#matches(asMap(metadata.labels) as Record<string, string>)) return change;
    const { [annotation]: _unread, ...annotations } = asMap(metadata.annotations);
    return { path, object: { ...object, metadata: { ...metadata, annotations } } };
  }

  /** A kind's problem. Not to reach the API server is one problem, whatever was asked for. */
  #kindProblem(key: string, problem: ClusterProblem | null): void {
    if (problem?.code === 'kubernetes-unreachable') {
      this.#unreached.add(key);
      if (this.#unreached.size === 1) this.#problem('', problem);
      return;
    }
    if (this.#unreached.delete(key) && this.#unreached.size === 0) this.#problem('', null);
    this.#problem(key, problem);
  }

  /** A problem with what is written, by its kind. */
  writeProblem(what: string, problem: ClusterProblem | null): void {
    this.#problem(`write ${what}`, problem);
  }

  #problem(key: string, problem: ClusterProblem | null): void {
    const before = this.#problems.get(key);
    if (problem === null) this.#problems.delete(key);
    else this.#problems.set(key, problem);
    if (!this.#stopped && before?.message !== problem?.message) this.#events.problem(key, problem);
  }

  #gather(changes: readonly ObjectChange[]): void {
    if (this.#stopped) return;
    for (const { path, object } of changes) this.#queue.set(path, object);
    if (!this.#complete || this.#flushTimer !== null || this.#queue.size === 0) return;
    // The first change after a quiet time goes at once, with what else this turn of the event loop brings.
    const since = performance.now() - this.#flushedAt;
    this.#flushTimer = setTimeout(() => this.#flush(), since > GATHER_MS ? 1 : GATHER_MS - since);
  }

  #flush(): void {
    if (this.#flushTimer !== null) clearTimeout(this.#flushTimer);
    this.#flushTimer = null;
    this.#flushedAt = performance.now();
    const changes = this.#take();
    if (changes.length > 0 && !this.#stopped) this.#events.changed(changes);
  }

  #take(): ObjectChange[] {
    const changes = [...this.#queue].map(([path, object]) => ({ path, object }));
    this.#queue.clear();
    this.#toldVersion = this.#canaryVersion;
    return changes;
  }
}

/** True where it is no use to wait: it is forbidden, not there, or failing for good. */
function isRefusal({ status }: ApiError, failingMs: number): boolean {
  if (status >= 500) return failingMs >= MOST_FAILING_MS;
  return [400, 403, 404, 405, 406, 422].includes(status);
}

/** Discovery's place in messages. */
const discoveryKind: WatchedKind = {
  ...secretKind,
  kind: 'APIGroup',
  resource: 'apigroups',
  without: 'which kinds the cluster has is not known',
};
