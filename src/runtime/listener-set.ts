import { lookup } from 'node:dns/promises';
import { createServer } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { Listener } from '../model/snapshot.ts';
import { BACKLOG, openListening } from '../proxy/transport/listening-handle.ts';
import { type Accepted, onAccepted } from '../proxy/transport/tcp-handle.ts';
import { portKey } from './messages.ts';
import type { SharedPorts } from './shared-ports.ts';

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
  /** Workers accept by themselves from handles that are put here; null = this process accepts. */
  readonly shared: SharedPorts | null;
  /** A connection that nothing was read from, and the name of the listener that took it. */
  readonly onConnection: (accepted: Accepted, listener: string) => void;
  readonly onFailure: (failure: ListenFailure) => void;
}

/** How long after a failure a listener is tried again. */
const RETRY_MS = 1000;

/** A port that is open, or just being opened. */
interface Port {
  listener: Listener;
  /** Null until it is open. Resolves when its address can be bound again. */
  close: (() => Promise<void>) | null;
}

/** The open ports. They follow the snapshot: what appears is opened, what goes is closed; connections stay. */
export class ListenerSet {
  readonly #options: ListenerSetOptions;
  readonly #ports = new Map<string, Port>();
  #wanted: readonly Listener[] = [];
  #retry: NodeJS.Timeout | null = null;
  /** Updates come one after another: closing takes the workers' answers. */
  #updated: Promise<void> = Promise.resolve();

  constructor(options: ListenerSetOptions) {
    this.#options = options;
  }

  /** Opens and closes so that exactly these are open. Resolves when all are open or have failed. */
  update(listeners: readonly Listener[]): Promise<void> {
    this.#wanted = listeners;
    this.#updated = this.#updated.then(() => this.#update());
    return this.#updated;
  }

  /** Stops accepting; connections stay. */
  close(): void {
    this.#wanted = [];
    if (this.#retry !== null) clearTimeout(this.#retry);
    for (const { close } of this.#ports.values()) void close?.();
    this.#ports.clear();
  }

  async #update(): Promise<void> {
    const wanted = this.#wanted;
    const keys = new Set(wanted.map((listener) => this.#keyOf(listener)));
    const gone = [...this.#ports].filter(([key]) => !keys.has(key));
    for (const [key] of gone) this.#ports.delete(key);
    await Promise.all(gone.map(([, port]) => port.close?.()));
    // Others are wanted by now, or none: the next update follows at once.
    if (this.#wanted !== wanted) return;
    await Promise.all(wanted.map((listener) => this.#open(listener)));
  }

  async #open(listener: Listener): Promise<void> {
    const key = this.#keyOf(listener);
    const known = this.#ports.get(key);
    if (known !== undefined) {
      known.listener = listener;
      return;
    }
    const port: Port = { listener, close: null };
    this.#ports.set(key, port);
    const { shared } = this.#options;
    try {
      const close = shared === null ? await this.#listen(port) : await this.#share(key, port, shared);
      // Closed while it was being opened.
      if (this.#ports.get(key) === port) port.close = close;
      else await close();
    } catch (error) {
      this.#failed(key, port, error as NodeJS.ErrnoException);
    }
  }

  /** Opens a port that this process accepts from. */
  async #listen(port: Port): Promise<() => Promise<void>> {
    const { listener } = port;
    const server = createServer({ pauseOnConnect: true, noDelay: true });
    const close = async (): Promise<void> => void server.close();
    await new Promise<void>((resolve, reject) => {
      server.once('listening', () => {
        onAccepted(server, (accepted) => this.#options.onConnection(accepted, port.listener.name));
        resolve();
      });
      server.on('error', (error) => {
        server.close();
        // Later than at the start: a fault of accepting.
        if (port.close !== null) this.#failed(this.#keyOf(port.listener), port, error);
        reject(error);
      });
      server.listen({ host: this.#addressOf(listener), port: listener.port, backlog: BACKLOG });
    });
    return close;
  }

  /** Opens a port for the workers to accept from. */
  async #share(key: string, port: Port, shared: SharedPorts): Promise<() => Promise<void>> {
    const { listener } = port;
    const { address } = await lookup(this.#addressOf(listener));
    const handle = openListening(address, listener.port, (accepted) =>
      this.#options.onConnection(accepted, port.listener.name),
    );
    if (typeof handle === 'number') {
      const code = getSystemErrorName(handle);
      throw Object.assign(new Error(`listen ${code}: ${address}:${listener.port}`), { code });
    }
    shared.open(key, handle);
    return () => shared.close(key);
  }

  #failed(key: string, port: Port, { code, message }: NodeJS.ErrnoException): void {
    if (this.#ports.get(key) !== port) return;
    this.#ports.delete(key);
    this.#options.onFailure({ listener: port.listener, code: code ?? '', message });
    this.#tryLater();
  }

  #tryLater(): void {
    if (this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      void this.update(this.#wanted);
    }, RETRY_MS);
    this.#retry.unref();
  }

  #addressOf(listener: Listener): string {
    return listener.address ?? this.#options.bind;
  }

  #keyOf(listener: Listener): string {
    return portKey(listener, this.#options.bind);
  }
}
