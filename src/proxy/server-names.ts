import type { TlsContext } from '../model/tls.ts';
import { HostnameTable } from './hostname-table.ts';

/** TLS contexts of one listener by server name; see `TlsContext.hostnames` for the order. */
export class ServerNames extends HostnameTable<TlsContext> {
  /** Whether one of them demands client certificates. */
  readonly demands: boolean;

  constructor(contexts: readonly TlsContext[]) {
    super();
    for (const context of contexts) for (const name of context.hostnames) this.add(name, context);
    this.demands = contexts.some(({ clientCertificates }) => clientCertificates === 'required');
  }
}
