import { createServer, type Server } from 'node:net';
import type { Listener } from '../model/snapshot.ts';
import { type Accepted, onAccepted } from '../proxy/transport/tcp-handle.ts';

/** A listener that could not be opened. */
export interface ListenFailure {
  readonly listener: Listener;
  /** Node's code, `EADDRINUSE`. */
  readonly code: string;
  readonly message: string;
}

/** What a set of listeners needs. */
export interface ListenerSetOptions {
  /** Address for listeners that name none. */
  readonly bind: string;
  /** A connection that nothing was read from, and the name of the listener that took it. */
  readonly onConnection: (accepted: Accepted, listener: string) => void;
  readonly onFailure: (failure: ListenFailure) => void;
}

/** How long after a failure a listener is tried again. */
const RETRY_MS = 1000;

/** The open ports. They follow the snapshot: what appears is opened, what goes is closed; connections stay. */
export class ListenerSet {
  readonly #options: ListenerSetOptions;
  readonly #servers = new Map<string, { listener: Listener; server: Server }>();
  #wanted: readonly Listener[] = [];
  #retry: NodeJS.Timeout | null = null;

  constructor(options: ListenerSetOptions) {
    this.#options = options;
  }

  /** Opens and closes so that exactly these are open. Resolves when all are open or have failed. */
  async update(listeners: readonly Listener[]): Promise<void> {
    this.#wanted = listeners;
    const keys = new Set(listeners.map((l) => this.#keyOf(l)));
    for (const [key, { server }] of this.#servers) {
      if (keys.has(key)) continue;
      server.close();
      this.#servers.delete(key);
    }
    await Promise.all(listeners.map((listener) => this.#open(listener)));
  }

  /** Stops accepting; connections stay. */
  close(): void {
    this.#wanted = [];
    if (this.#retry !== null) clearTimeout(this.#retry);
    for (const { server } of this.#servers.values()) server.close();
    this.#servers.clear();
  }

  async #open(listener: Listener): Promise<void> {
    const key = this.#keyOf(listener);
    const known = this.#servers.get(key);
    if (known !== undefined) {
      known.listener = listener;
      return;
    }
    const server = createServer({ pauseOnConnect: true, noDelay: true });
    const entry = { listener, server };
    this.#servers.set(key, entry);
    await new Promise<void>((resolve) => {
      server.once('listening', () => {
        onAccepted(server, (accepted) => this.#options.onConnection(accepted, entry.listener.name));
        resolve();
      });
      server.on('error', (error: NodeJS.ErrnoException) => {
        if (this.#servers.get(key) === entry) this.#servers.delete(key);
        server.close();
        this.#options.onFailure({ listener: entry.listener, code: error.code ?? '', message: error.message });
        this.#tryLater();
        resolve();
      });
      server.listen({ host: listener.address ?? this.#options.bind, port: listener.port, backlog: 1024 });
    });
  }

  #tryLater(): void {
    if (this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      void this.update(this.#wanted);
    }, RETRY_MS);
    this.#retry.unref();
  }

  #keyOf(listener: Listener): string {
    return `${listener.address ?? this.#options.bind} ${listener.port}`;
  }
}
