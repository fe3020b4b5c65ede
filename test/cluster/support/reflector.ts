import { setTimeout as wait } from 'node:timers/promises';
import { type ApiClient, ApiError, type KubeList, type KubeObject } from './api.ts';

/** What a reflector tells: an object as it is now, or that it has gone. */
export interface ReflectorHandler<T> {
  changed(object: T): void;
  gone(object: T): void;
}

/** Follows all objects of a path: a list, then watches from there; a new list after a 410 and after any failure. */
export class Reflector<T extends KubeObject> {
  /** What is known now, by UID: a name may be used again for another object. */
  readonly objects = new Map<string, T>();
  readonly #api: ApiClient;
  readonly #path: string;
  readonly #handler: ReflectorHandler<T>;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;

  /** @param path without a query. */
  constructor(api: ApiClient, path: string, handler: ReflectorHandler<T>) {
    this.#api = api;
    this.#path = path;
    this.#handler = handler;
    this.#running = this.#run();
  }

  /** Ends the watch. */
  stop(): Promise<void> {
    this.#stopped.abort();
    return this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        let version = await this.#list();
        while (!this.#stopped.signal.aborted) version = await this.#watch(version);
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        // The API server may be away: that is what some tests are about.
        if (!(error instanceof ApiError && error.status === 410)) await wait(100);
      }
    }
  }

  async #list(): Promise<string> {
    const list = await this.#api.get<KubeList<T>>(this.#path);
    const seen = new Set(list.items.map((item) => item.metadata.uid));
    for (const [uid, object] of [...this.objects]) {
      if (!seen.has(uid)) this.#gone(object);
    }
    for (const item of list.items) this.#changed(item);
    return list.metadata.resourceVersion;
  }

  async #watch(from: string): Promise<string> {
    let version = from;
    const query = `?watch=1&allowWatchBookmarks=true&resourceVersion=${from}`;
    for await (const event of this.#api.watch<T>(`${this.#path}${query}`, this.#stopped.signal)) {
      if (event.type === 'ERROR') {
        const { code } = event.object as unknown as { code: number };
        throw new ApiError('WATCH', this.#path, code, JSON.stringify(event.object));
      }
      version = event.object.metadata.resourceVersion ?? version;
      if (event.type === 'DELETED') this.#gone(event.object);
      else if (event.type !== 'BOOKMARK') this.#changed(event.object);
    }
    return version;
  }

  #changed(object: T): void {
    this.objects.set(object.metadata.uid ?? '', object);
    this.#handler.changed(object);
  }

  #gone(object: T): void {
    this.objects.delete(object.metadata.uid ?? '');
    this.#handler.gone(object);
  }
}
