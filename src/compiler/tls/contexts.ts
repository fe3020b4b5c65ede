import type { Host } from '../../resources/ambassador/host.ts';
import type { TlsContextResource } from '../../resources/ambassador/tls-context.ts';

/** Name of a TLSContext's row in the snapshot. */
export function contextName({ meta }: TlsContextResource): string {
  return `TLSContext ${meta.name}.${meta.namespace}`;
}

/**
 * The TLSContext that a name means. Ambassador knows one of each name, whatever the namespace; where there are
 * several, that of the own namespace counts, else the first by namespace.
 */
export function findContext(
  contexts: readonly TlsContextResource[],
  name: string,
  namespace: string,
): TlsContextResource | null {
  let found: TlsContextResource | null = null;
  for (const context of contexts) {
    if (context.meta.name !== name) continue;
    if (context.meta.namespace === namespace) return context;
    if (found === null || context.meta.namespace < found.meta.namespace) found = context;
  }
  return found;
}

/**
 * The TLSContext that a Host's TLS is configured by: the one that it names, else `NAME-context`, if there is such a one
 * and the Host has a Secret. Null: none, or one that does not exist. Source: irhost.py.
 */
export function linkedContext(
  { meta, tls }: Host,
  contexts: readonly TlsContextResource[],
): TlsContextResource | null {
  if (tls === null) return null;
  if (tls.context !== null) return findContext(contexts, tls.context, meta.namespace);
  if (tls.secret === null || tls.settings !== null) return null;
  return findContext(contexts, `${meta.name}-context`, meta.namespace);
}
