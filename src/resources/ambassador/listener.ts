import { isMap } from '../field-types.ts';
import { type FieldTable, readFields } from '../fields.ts';
import { type Finding, finding, isError } from '../issue.ts';
import type { ObjectMeta } from '../resource.ts';
import { readSelector } from './host.ts';
import type { ShapedObject } from './shape.ts';

/** A Listener: a port, and the Hosts that are reached through it. */
export interface ListenerResource {
  readonly kind: 'Listener';
  readonly meta: ObjectMeta;
  readonly port: number;
  /** Hosts of which namespaces: its own, or all. */
  readonly from: 'self' | 'all';
  /** Labels that a Host must have; null = any Host. */
  readonly selector: Readonly<Record<string, string>> | null;
  /** False where its protocol is not served yet. */
  readonly served: boolean;
}

/** Fields of Listener. Source: emissary-ingress 4.1, v3alpha1 listener_types.go. */
const listenerFields: FieldTable = {
  ambassador_id: { type: 'stringOrList' },
  port: { type: 'port', required: '8080' },
  protocol: { type: 'string' },
  protocolStack: { type: 'stringList' },
  securityModel: { type: 'string', served: 'quiet' },
  hostBinding: { type: 'map' },
  l7Depth: { type: 'integer', served: 'no' },
  statsPrefix: { type: 'string', served: 'quiet' },
  http2MaxConcurrentStreams: { type: 'integer', served: 'no' },
};

const protocols = ['HTTP', 'HTTPS', 'HTTPPROXY', 'HTTPSPROXY', 'TCP', 'TLS', 'UDP'];

/** Reads a Listener. Only the protocol HTTP is served yet; the others are reported and not opened. */
export function parseListener(object: ShapedObject): {
  resource: ListenerResource | null;
  findings: Finding[];
} {
  const { version, meta, pathOf } = object;
  const { values, findings } = readFields(object.fields, listenerFields, {
    kind: 'Listener',
    version,
    pathOf,
  });
  const stack = values.protocolStack;
  const protocol = Array.isArray(stack)
    ? stack.filter((layer) => layer !== 'TCP').join('+')
    : String(values.protocol ?? 'HTTP');
  if (!Array.isArray(stack) && !protocols.includes(protocol)) {
    const values = {
      field: 'protocol',
      reason: `"${protocol}" is not a protocol`,
      remedy: `write one of ${protocols.join(', ')}`,
    };
    findings.push(finding('invalid-value', pathOf('protocol'), values));
  }
  if (findings.some(isError)) return { resource: null, findings };
  const served = protocol === 'HTTP';
  if (!served)
    findings.push(
      finding('listener-not-served', pathOf('protocol'), { reason: `${protocol} is not served yet` }),
    );
  const binding = isMap(values.hostBinding) ? values.hostBinding : {};
  const namespace = isMap(binding.namespace) ? binding.namespace : {};
  const from = namespace.from === 'SELF' ? 'self' : 'all';
  const selector = readSelector(binding.selector);
  return {
    resource: { kind: 'Listener', meta, port: Number(values.port), from, selector, served },
    findings,
  };
}
