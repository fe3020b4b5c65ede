import type { ValuePath } from '../../lib/position.ts';
import type { Listener } from '../../model/snapshot.ts';
import { isMap } from '../field-types.ts';
import { type FieldTable, readFields } from '../fields.ts';
import { type Finding, finding, isError } from '../issue.ts';
import type { ObjectMeta } from '../resource.ts';
import { readSelector } from './host.ts';
import type { ShapedObject } from './shape.ts';

/** A Listener: a port, what is spoken on it, and the Hosts that are reached through it. */
export interface ListenerResource {
  readonly kind: 'Listener';
  readonly meta: ObjectMeta;
  readonly port: number;
  /** What is spoken, from the outside in. */
  readonly stack: ListenerStack;
  readonly securityModel: Listener['securityModel'];
  /** Proxies in front of it whose forwarding headers are believed. */
  readonly l7Depth: number;
  /** Where the protocol stands in its document. */
  readonly protocolAt: ValuePath;
  /** Hosts of which namespaces: its own, or all. */
  readonly from: 'self' | 'all';
  /** Labels that a Host must have; null = any Host. */
  readonly selector: Readonly<Record<string, string>> | null;
}

/** The layers of a Listener above TCP (or UDP). */
export interface ListenerStack {
  /** As it was written: `HTTPS`, or `TLS+HTTP` where it is a stack. */
  readonly name: string;
  readonly http: boolean;
  readonly tls: boolean;
  readonly proxy: boolean;
  readonly udp: boolean;
}

/** Fields of Listener. Source: emissary-ingress 4.1, v3alpha1 listener_types.go. */
const listenerFields: FieldTable = {
  ambassador_id: { type: 'stringOrList' },
  port: { type: 'port', required: '8080' },
  protocol: { type: 'string' },
  protocolStack: { type: 'stringList' },
  securityModel: { type: 'string' },
  hostBinding: { type: 'map' },
  l7Depth: { type: 'integer' },
  statsPrefix: { type: 'string', served: 'quiet' },
  http2MaxConcurrentStreams: { type: 'integer', served: 'no' },
};

/** What the short names stand for. Source: IRListener.ProtocolStacks. */
const protocols: Readonly<Record<string, readonly string[]>> = {
  HTTP: ['HTTP', 'TCP'],
  HTTPS: ['TLS', 'HTTP', 'TCP'],
  HTTPPROXY: ['PROXY', 'HTTP', 'TCP'],
  HTTPSPROXY: ['TLS', 'PROXY', 'HTTP', 'TCP'],
  TCP: ['TCP'],
  TLS: ['TLS', 'TCP'],
  UDP: ['UDP'],
};
const layers = ['HTTP', 'PROXY', 'TLS', 'TCP', 'UDP'];
const securityModels: Readonly<Record<string, Listener['securityModel']>> = {
  XFP: 'xfp',
  SECURE: 'secure',
  INSECURE: 'insecure',
};

/** Reads a Listener of any protocol. The security model is XFP where none is written. */
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
  const stack = readStack(values, object, findings);
  const securityModel = securityModels[String(values.securityModel ?? 'XFP')];
  if (securityModel === undefined) {
    const reason = `"${String(values.securityModel)}" is not a security model`;
    const remedy = 'write XFP, SECURE or INSECURE';
    findings.push(
      finding('invalid-value', pathOf('securityModel'), { field: 'securityModel', reason, remedy }),
    );
  }
  if (findings.some(isError) || securityModel === undefined) return { resource: null, findings };
  const binding = isMap(values.hostBinding) ? values.hostBinding : {};
  const namespace = isMap(binding.namespace) ? binding.namespace : {};
  const from = namespace.from === 'SELF' ? 'self' : 'all';
  const selector = readSelector(binding.selector);
  const port = Number(values.port);
  const l7Depth = Math.max(0, Number(values.l7Depth ?? 0));
  const protocolAt = pathOf(Array.isArray(values.protocolStack) ? 'protocolStack' : 'protocol');
  return {
    resource: { kind: 'Listener', meta, port, stack, securityModel, l7Depth, protocolAt, from, selector },
    findings,
  };
}

/** The stack of `protocolStack`, else of `protocol`, else HTTP. */
function readStack(
  values: Readonly<Record<string, unknown>>,
  { pathOf }: ShapedObject,
  findings: Finding[],
): ListenerStack {
  const wrong = (field: string, reason: string, choice: readonly string[]): void => {
    const remedy = `write one of ${choice.join(', ')}`;
    findings.push(finding('invalid-value', pathOf(field), { field, reason, remedy }));
  };
  let name = String(values.protocol ?? 'HTTP');
  let stack = protocols[name] ?? [];
  if (Array.isArray(values.protocolStack)) {
    if (values.protocol !== undefined) {
      const overridden = { field: 'protocol', winner: 'protocolStack' };
      findings.push(finding('overridden-field', pathOf('protocol'), overridden));
    }
    stack = values.protocolStack.map(String);
    name = stack.filter((layer) => layer !== 'TCP').join('+');
    const unknown = stack.find((layer) => !layers.includes(layer));
    if (unknown !== undefined) wrong('protocolStack', `"${unknown}" is not a protocol`, layers);
  } else if (stack.length === 0) {
    wrong('protocol', `"${name}" is not a protocol`, Object.keys(protocols));
  }
  const has = (layer: string): boolean => stack.includes(layer);
  return { name, http: has('HTTP'), tls: has('TLS'), proxy: has('PROXY'), udp: has('UDP') };
}
