import type { ListeningHandle } from '../proxy/transport/listening-handle.ts';

/** A worker that accepts by itself. */
export interface PortTaker {
  /** Gives it a copy of the handle. */
  acceptFrom(key: string, handle: ListeningHandle): void;
  /** Has it close its copy; it answers through {@link SharedPorts.closed}. */
  closePort(key: string): void;
}

/** How long a worker may take to close its copy of a handle before the port is opened anew all the same, in milliseconds. */
const CLOSE_MS = 1000;

/**
 * The listening handles that the parent has opened and workers accept from. The parent's copy keeps a port open across a worker's
 * death: connections wait in the kernel until the next worker has the handle.
 */
export class SharedPorts {
  readonly #handles = new Map<string, ListeningHandle>();
  readonly #takers = new Set<PortTaker>();
  readonly #closing = new Map<string, { readonly waitsFor: Set<PortTaker>; readonly done: () => void }>();

  /** A worker serves: it gets all ports that are open, and those that come. */
  add(taker: PortTaker): void {
    if (this.#takers.has(taker)) return;
    this.#takers.add(taker);
    for (const [key, handle] of this.#handles) taker.acceptFrom(key, handle);
  }

  /** A worker has gone, and its copies with it. */
  remove(taker: PortTaker): void {
    this.#takers.delete(taker);
    for (const key of [...this.#closing.keys()]) this.closed(taker, key);
  }

  /** A port was opened. @param key see `portKey`. */
  open(key: string, handle: ListeningHandle): void {
    this.#handles.set(key, handle);
    for (const taker of this.#takers) taker.acceptFrom(key, handle);
  }

  /** Closes a port. Resolves when no process has it open any more, so that its address can be bound again. */
  async close(key: string): Promise<void> {
    const handle = this.#handles.get(key);
    if (handle === undefined) return;
    this.#handles.delete(key);
    handle.close();
    if (this.#takers.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#done(key), CLOSE_MS);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.#closing.set(key, { waitsFor: new Set(this.#takers), done });
      for (const taker of this.#takers) taker.closePort(key);
    });
  }

  /** A worker has closed its copy. */
  closed(taker: PortTaker, key: string): void {
    const closing = this.#closing.get(key);
    closing?.waitsFor.delete(taker);
    if (closing?.waitsFor.size === 0) this.#done(key);
  }

  #done(key: string): void {
    const closing = this.#closing.get(key);
    this.#closing.delete(key);
    closing?.done();
  }
}
