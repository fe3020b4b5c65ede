import { createHash } from 'node:crypto';
import { type ApiClient, ApiError, type Raw } from './api-client.ts';
import { jittered } from './jitter.ts';
import { asMap, nameOf, project, type WatchedKind } from './kinds.ts';

/** An object as it is now, or null when it is gone. */
export interface ObjectChange {
  readonly path: string;
  readonly object: Raw | null;
}

/** What a reflector follows: one kind in one version, in one or all namespaces. */
export interface ReflectorTarget {
  readonly kind: WatchedKind;
  readonly version: string;
  /** Null = all. */
  readonly namespace: string | null;
  readonly labelSelector: string | null;
  readonly fieldSelector: string | null;
}

/** What a reflector tells. */
export interface ReflectorEvents {
  /** Objects that are others now, as far as anybody reads them. Also called with none, when a list has arrived. */
  changed(changes: readonly ObjectChange[]): void;
  /** The raw object of each change, before it is cut down to what is read. */
  seen(object: Raw, path: string): void;
  /** It does not go on as it should; null: it does again. The reflector tries on by itself. */
  problem(error: ApiError | null): void;
}

/** Times, in milliseconds. */
export interface ReflectorTimes {
  /** A watch without a word for so long is given up: bookmarks come every minute. */
  readonly silenceMs: number;
  /** So long after an empty list that follows a good one a second one is asked for. */
  readonly emptyAgainMs: number;
  readonly firstBackOffMs: number;
  readonly largestBackOffMs: number;
  /** After an outage of so long everything is listed anew: the store may have been set back meanwhile. */
  readonly outageMs: number;
}

/** What is used but in tests. */
export const defaultTimes: ReflectorTimes = {
  silenceMs: 150_000,
  emptyAgainMs: 10_000,
  firstBackOffMs: 200,
  largestBackOffMs: 10_000,
  outageMs: 10_000,
};

/** Objects in a page of a list. */
const PAGE = 500;
/** A try that fails so soon, milliseconds, found nobody there: the API server is away. */
const NOBODY_MS = 500;
/** Milliseconds between two tries where a permission is missing that a person has to grant. */
const REFUSED_MS = 15_000;
/** An API server that starts refuses what it permits, until it has read its rules: so often that is waited for, where it was permitted before. */
const PASSING_REFUSALS = 5;
/** A watch that ends sooner is a short one, milliseconds. */
const SHORT_MS = 1000;
/** So many short watches in a row are taken for accidents; then each is waited for. */
const PASSING_SHORT = 3;
/** So often in a row a version may be too old before it is told. */
const PASSING_EXPIRIES = 5;

/**
 * Follows the objects of one kind: lists them in pages, then watches with bookmarks, and goes on from the last version
 * where a watch ends. 410 means a new list. Only changes of what is read are told. Kubernetes, API concepts, "Efficient
 * detection of changes"; client-go's Reflector.
 */
export class Reflector {
  readonly #client: ApiClient;
  readonly #target: ReflectorTarget;
  readonly #events: ReflectorEvents;
  readonly #times: ReflectorTimes;
  readonly #end = new AbortController();
  /** Path → hash of what is read of it. */
  readonly #known = new Map<string, string>();
  #version: string | null = null;
  #failures = 0;
  /** Times that it was refused in a row. */
  #refusals = 0;
  /** It was permitted once. */
  #worked = false;
  /** Since when the API server is not reached, by the monotonic clock; null while it is. */
  #lostAt: number | null = null;
  /** When the last try began, and whether it was answered. */
  #triedAt = 0;
  #opened = false;
  /** A try since then found nobody there. */
  #foundNobody = false;
  #lists = 0;
  /** Times in a row that a version, or the token for the next page, was too old. */
  #expiries = 0;
  /** A page's token was too old: all is asked for at once, as client-go does. */
  #asWhole = false;
  /** Watches in a row that ended as soon as they had begun. */
  #shortWatches = 0;

  constructor(
    client: ApiClient,
    target: ReflectorTarget,
    events: ReflectorEvents,
    times: ReflectorTimes = defaultTimes,
  ) {
    this.#client = client;
    this.#target = target;
    this.#events = events;
    this.#times = times;
  }

  /** Lists that were asked for, for tests and diagnostics. */
  get lists(): number {
    return this.#lists;
  }

  /** True for an object that is there. */
  knows(path: string): boolean {
    return this.#known.has(path);
  }

  /** Follows until {@link stop}. Never rejects. */
  async run(): Promise<void> {
    while (!this.#end.signal.aborted) {
      this.#triedAt = performance.now();
      this.#opened = false;
      try {
        if (this.#version === null || this.#wasAway()) await this.#list();
        await this.#watch();
      } catch (error) {
        if (this.#end.signal.aborted) return;
        await this.#failed(error);
      }
    }
  }

  /** Ends it; nothing is told afterwards. */
  stop(): void {
    this.#end.abort();
  }

  /** What is known is gone: for a kind that the cluster has no longer. */
  forget(): readonly ObjectChange[] {
    const gone = [...this.#known.keys()].map((path) => ({ path, object: null }));
    this.#known.clear();
    return gone;
  }

  async #failed(error: unknown): Promise<void> {
    const failure =
      error instanceof ApiError ? error : new ApiError(0, '', `this is a fault of serin: ${String(error)}`);
    const { firstBackOffMs, largestBackOffMs } = this.#times;
    if (failure.status === 410 || failure.reason === 'Expired') {
      this.#version = null;
      if (++this.#expiries > PASSING_EXPIRIES) {
        this.#failures++;
        this.#events.problem(failure);
      }
      // One that says so of all it gives must not be asked for everything without pause.
      const waitMs = 50 * 2 ** Math.min(10, this.#expiries - 1);
      return this.#sleep(jittered(Math.min(largestBackOffMs, waitMs)));
    }
    this.#failures++;
    if (failure.status !== 0 && failure.status !== 429) {
      // An error of another kind is not mended by going on from the same version for ever.
      if (this.#failures > 2) this.#version = null;
    } else {
      this.#lostAt ??= performance.now();
      this.#foundNobody ||= !this.#opened && performance.now() - this.#triedAt < NOBODY_MS;
    }
    // One broken connection is nothing to tell of, nor is a server that asks for a moment of patience.
    const passing = failure.status === 0 ? 1 : failure.status === 429 || failure.status === 503 ? 3 : 0;
    if (failure.status === 403) return this.#refused(failure);
    if (this.#failures > passing) this.#events.problem(failure);
    const backOff = Math.min(largestBackOffMs, firstBackOffMs * 2 ** Math.min(10, this.#failures - 1));
    await this.#sleep(jittered(Math.max(backOff, failure.retryAfterMs ?? 0)));
  }

  /**
   * The API server was away, so that its store may have been set back meanwhile, which no watch would tell. Connections that break one
   * after another are no such outage.
   */
  #wasAway(): boolean {
    if (this.#lostAt === null) return false;
    return this.#foundNobody || performance.now() - this.#lostAt > this.#times.outageMs;
  }

  async #refused(failure: ApiError): Promise<void> {
    this.#refusals++;
    const { firstBackOffMs } = this.#times;
    if (this.#worked && this.#refusals <= PASSING_REFUSALS)
      return this.#sleep(jittered(firstBackOffMs * 2 ** (this.#refusals - 1)));
    this.#events.problem(failure);
    return this.#sleep(jittered(REFUSED_MS));
  }

  #heard(): void {
    this.#lostAt = null;
    this.#foundNobody = false;
    this.#opened = true;
    this.#worked = true;
    this.#refusals = 0;
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#events.problem(null);
  }

  async #list(): Promise<void> {
    let listed = await this.#pages();
    if (listed.objects.size === 0 && this.#known.size > 0) {
      // A store that lost its mind says the same: what is served is not taken down on one word of it.
      await this.#sleep(this.#times.emptyAgainMs);
      if (this.#end.signal.aborted) return;
      listed = await this.#pages();
    }
    // Ended meanwhile: what has come is not all there is.
    if (this.#end.signal.aborted) return;
    const changes: ObjectChange[] = [];
    for (const path of this.#known.keys())
      if (!listed.objects.has(path)) changes.push({ path, object: null });
    for (const { path } of changes) this.#known.delete(path);
    for (const [path, { object, hash }] of listed.objects) {
      if (this.#known.get(path) === hash) continue;
      this.#known.set(path, hash);
      changes.push({ path, object });
    }
    this.#version = listed.version;
    this.#heard();
    this.#events.changed(changes);
  }

  async #pages(): Promise<{ version: string; objects: Map<string, { object: Raw; hash: string }> }> {
    this.#lists++;
    const objects = new Map<string, { object: Raw; hash: string }>();
    let next = '';
    let version = '';
    do {
      const query: Record<string, string> = this.#asWhole ? {} : { limit: String(PAGE) };
      if (next !== '') query.continue = next;
      const page = await this.#page(query);
      for (const item of page.items ?? []) {
        const { path, object, hash } = this.#read(item);
        objects.set(path, { object, hash });
      }
      const metadata = asMap(page.metadata);
      version = String(metadata.resourceVersion ?? '');
      next = String(metadata.continue ?? '');
    } while (next !== '' && !this.#end.signal.aborted);
    this.#asWhole = false;
    return { version, objects };
  }

  async #page(query: Readonly<Record<string, string>>): Promise<ListPage> {
    let page: ListPage | null;
    try {
      page = await this.#client.call<ListPage | null>({
        path: this.#path(query),
        ...(this.#target.kind.metadataOnly ? { accept: METADATA_LIST } : {}),
      });
    } catch (error) {
      if (query.continue !== undefined && (error as ApiError).status === 410) this.#asWhole = true;
      throw error;
    }
    // A proxy's own words, for one: an empty list would take all of the kind away.
    const { resourceVersion } = asMap(page?.metadata);
    if (page === null || typeof resourceVersion !== 'string' || resourceVersion === '')
      throw new ApiError(502, '', `the answer to ${this.#path(query)} is no list`);
    return page;
  }

  async #watch(): Promise<void> {
    if (this.#end.signal.aborted) return;
    // A jitter, so that the watches of a fleet do not end together.
    const seconds = 300 + Math.floor(Math.random() * 300);
    const query = {
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#version!,
      timeoutSeconds: String(seconds),
    };
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), this.#times.silenceMs);
    const openedAt = performance.now();
    let events = 0;
    try {
      await this.#client.watch(
        { path: this.#path(query), ...(this.#target.kind.metadataOnly ? { accept: METADATA } : {}) },
        AbortSignal.any([this.#end.signal, silence.signal]),
        () => this.#heard(),
        (line) => {
          clearTimeout(timer);
          timer = setTimeout(() => silence.abort(), this.#times.silenceMs);
          events++;
          this.#event(JSON.parse(line) as { type: string; object: Raw });
        },
      );
    } finally {
      clearTimeout(timer);
      this.#shortWatches = performance.now() - openedAt < SHORT_MS ? this.#shortWatches + 1 : 0;
      if (this.#shortWatches === 0) this.#expiries = 0;
    }
    // One that ends as soon as it begins must not become a storm.
    if (this.#shortWatches > (events === 0 ? 0 : PASSING_SHORT)) await this.#sleep(jittered(500));
  }

  #event({ type, object }: { type: string; object: Raw }): void {
    if (this.#end.signal.aborted) return;
    if (type === 'ERROR') {
      const { code, reason, message } = object;
      const status = typeof code === 'number' ? code : 500;
      // The store is behind what it has said before: it was set back.
      const expired = status === 410 || /too large resource version/i.test(String(message));
      throw new ApiError(expired ? 410 : status, String(reason ?? ''), String(message ?? 'the watch failed'));
    }
    const version = asMap(object.metadata).resourceVersion;
    if (typeof version === 'string') this.#version = version;
    if (type === 'BOOKMARK') return;
    if (type === 'DELETED') {
      const path = nameOf(this.#target.kind.kind, object.metadata);
      if (this.#known.delete(path)) this.#events.changed([{ path, object: null }]);
      return;
    }
    const { path, object: read, hash } = this.#read(object);
    if (this.#known.get(path) === hash) return;
    this.#known.set(path, hash);
    this.#events.changed([{ path, object: read }]);
  }

  #read(raw: Raw): { path: string; object: Raw; hash: string } {
    const { kind, version } = this.#target;
    const path = nameOf(kind.kind, raw.metadata);
    this.#events.seen(raw, path);
    const object = project(raw, kind, kind.group === '' ? version : `${kind.group}/${version}`);
    return { path, object, hash: createHash('md5').update(JSON.stringify(object)).digest('base64') };
  }

  #path(query: Readonly<Record<string, string>>): string {
    const { kind, version, namespace, labelSelector, fieldSelector } = this.#target;
    const root = kind.group === '' ? `/api/${version}` : `/apis/${kind.group}/${version}`;
    const scope = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
    const all = new URLSearchParams(query);
    if (labelSelector !== null) all.set('labelSelector', labelSelector);
    if (fieldSelector !== null) all.set('fieldSelector', fieldSelector);
    return `${root}${scope}/${kind.resource}?${all}`;
  }

  #sleep(ms: number): Promise<void> {
    const { signal } = this.#end;
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    });
  }
}

/** A page of a list. */
interface ListPage {
  readonly metadata?: Raw;
  readonly items?: readonly Raw[] | null;
}

/** Only metadata of objects. Kubernetes, API concepts, "Metadata-only fetches". */
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
