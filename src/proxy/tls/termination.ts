import { isDeepStrictEqual } from 'node:util';
import type { TlsContext } from '../../model/tls.ts';
import type { ListenerTable } from '../listener-table.ts';
import { ContextServer, type ContextServerOptions } from './context-server.ts';

/** A context whose handshakes can be made. */
export interface ReadyContext {
  readonly name: string;
  readonly server: ContextServer;
}

/**
 * TLS contexts as they are served: each is made at its first handshake and kept until its row in the snapshot is another
 * one. Connections are not bound to it: those that stand go on when it is replaced.
 */
export class TlsTermination {
  readonly #listeners: ListenerTable;
  #options: ContextServerOptions;
  readonly #onFault: (context: string, error: Error) => void;
  readonly #made = new Map<string, { readonly row: TlsContext; readonly server: ContextServer | null }>();

  /** @param onFault told of a context that OpenSSL refuses, once for each row. */
  constructor(
    listeners: ListenerTable,
    options: ContextServerOptions,
    onFault: (context: string, error: Error) => void,
  ) {
    this.#listeners = listeners;
    this.#options = options;
    this.#onFault = onFault;
  }

  /**
   * The context for a server name on a listener; null = there is none that could be served.
   * @param protocols false for connections whose bytes go on: what they speak is not agreed on here (ALPN).
   */
  find(listener: string, serverName: string | null, protocols: boolean): ReadyContext | null {
    const row = this.#listeners.contextFor(listener, serverName);
    if (row === null || row.broken || row.certificate === null) return null;
    const server = this.#serverOf(row, protocols);
    return server === null ? null : { name: row.name, server };
  }

  #serverOf(row: TlsContext, protocols: boolean): ContextServer | null {
    const key = protocols ? row.name : `${row.name}\0`;
    const known = this.#made.get(key);
    if (known?.row === row) return known.server;
    if (known !== undefined && isDeepStrictEqual(known.row, row)) {
      // All rows come anew when one has changed.
      this.#made.set(key, { row, server: known.server });
      return known.server;
    }
    let server: ContextServer | null = null;
    try {
      server = new ContextServer(protocols ? row : { ...row, alpn: [] }, this.#options);
    } catch (error) {
      this.#onFault(row.name, error as Error);
    }
    this.#made.set(key, { row, server });
    return server;
  }

  /** Other keys for tickets, in all contexts. */
  setTicketKeys(ticketKeys: Uint8Array): void {
    this.#options = { ...this.#options, ticketKeys };
    for (const { server } of this.#made.values()) server?.setTicketKeys(ticketKeys);
  }

  /** Drops what the snapshot has no more. */
  forget(): void {
    const names = new Set(this.#listeners.contexts.map(({ name }) => name));
    for (const [key, { row }] of this.#made) if (!names.has(row.name)) this.#made.delete(key);
  }
}
