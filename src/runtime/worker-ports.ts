import type { Listener } from '../model/snapshot.ts';
import { acceptFrom, type ListeningHandle } from '../proxy/transport/listening-handle.ts';
import { type Accepted, closeAccepted } from '../proxy/transport/tcp-handle.ts';
import { portKey } from './messages.ts';

interface Port {
  readonly handle: ListeningHandle;
  accepting: boolean;
}

/**
 * The ports that a worker accepts from by itself. It begins with the snapshot that has a listener for the port, and takes the
 * listener's name from the snapshot that it serves when a connection comes: the two never differ.
 */
export class WorkerPorts {
  readonly #bind: string;
  readonly #accept: (accepted: Accepted, listener: string) => void;
  readonly #ports = new Map<string, Port>();
  /** Names of the snapshot's listeners by their ports. */
  #names: ReadonlyMap<string, string> = new Map();
  #ended = false;

  /** @param bind address of listeners that name none. @param accept gets each connection with its listener's name. */
  constructor(bind: string, accept: (accepted: Accepted, listener: string) => void) {
    this.#bind = bind;
    this.#accept = accept;
  }

  /** Takes a copy of a port's handle over. */
  take(key: string, handle: ListeningHandle): void {
    if (this.#ended) {
      handle.close();
      return;
    }
    this.close(key);
    this.#ports.set(key, { handle, accepting: false });
    this.#begin();
  }

  /** A snapshot with these listeners is served from now on. */
  serve(listeners: readonly Listener[]): void {
    this.#names = new Map(listeners.map((listener) => [portKey(listener, this.#bind), listener.name]));
    this.#begin();
  }

  /** Accepts no more from a port; connections stay. */
  close(key: string): void {
    this.#ports.get(key)?.handle.close();
    this.#ports.delete(key);
  }

  /** Accepts no more at all. */
  end(): void {
    this.#ended = true;
    for (const key of [...this.#ports.keys()]) this.close(key);
  }

  #begin(): void {
    for (const [key, port] of this.#ports) {
      if (port.accepting || !this.#names.has(key)) continue;
      port.accepting = true;
      acceptFrom(port.handle, (accepted) => {
        const listener = this.#names.get(key);
        // A listener that has just gone: the parent is about to close its port.
        if (listener === undefined) closeAccepted(accepted);
        else this.#accept(accepted, listener);
      });
    }
  }
}
