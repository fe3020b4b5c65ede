import type { ValuePath } from '../../lib/position.ts';
import { type ApiVersion, type FieldTable, readFields } from '../fields.ts';
import { type Finding, finding, isError } from '../issue.ts';
import type { ObjectMeta } from '../resource.ts';
import { templateIn } from '../templates.ts';
import { checkService } from './mapping-check.ts';
import { isIpLiteral, parseService, type ServiceAddress, serviceKey } from './service-address.ts';
import { type ShapedObject, text } from './shape.ts';

/** A TCPMapping: connections to a port, perhaps only those for one server name (SNI), and the service that gets them. */
export interface TcpMapping {
  readonly kind: 'TCPMapping';
  readonly meta: ObjectMeta;
  /** Where its fields stand in its document: [] or ['spec']. */
  readonly at: ValuePath;
  readonly version: ApiVersion;
  readonly match: TcpMatch;
  /** Percent of the connections; null = not written. 0 is 0. */
  readonly weight: number | null;
  readonly service: ServiceAddress;
  /** Key of the endpoint table. */
  readonly serviceKey: string;
  /** Null = cleartext; else TLS is spoken to the service, with the name of a TLSContext or without. */
  readonly tls: { readonly context: string | null } | null;
  /** There is no HTTP in it; only so that TLS to upstreams is made as for Mappings. */
  readonly hostRewrite: null;
  /** Milliseconds without a byte in either direction; 0 = none; null = not written. */
  readonly idleTimeoutMs: number | null;
  /** Version of the PROXY header that the service gets before everything else; null = none. */
  readonly proxyProtocol: 1 | 2 | null;
  /** Values of the fields that may not differ in a group, only those that are written. */
  readonly core: Readonly<Record<string, unknown>>;
}

/** Which connections a TCPMapping takes. */
export interface TcpMatch {
  /** IP address that is listened on; null = that of --bind. */
  readonly address: string | null;
  readonly port: number;
  /** Server name in lower case: exact, or a glob with one star at one end. Null = the whole port. */
  readonly host: string | null;
}

/**
 * Every field of TCPMapping. Source: emissary-ingress 4.1, tcpmapping_types.go of v2 and v3alpha1, and the v1 JSON
 * schema of 1.14. `upstream_proxy_protocol` is Serin's own.
 */
const fields: FieldTable = {
  port: { type: 'port', required: '5432' },
  service: { type: 'string', required: 'name.namespace:port' },
  ambassador_id: { type: ['stringOrList', 'stringOrList', 'stringOrList', 'stringList'] },
  ambassadorId: { type: 'any', aliasOf: 'ambassador_id' },
  host: { type: 'string' },
  address: { type: 'string' },
  weight: { type: 'weight' },
  tls: { type: ['booleanOrString', 'booleanOrString', 'booleanOrString', 'string'] },
  idle_timeout_ms: { type: 'any' },
  upstream_proxy_protocol: { type: 'string' },
  // Known and not served yet
  resolver: { type: 'string', served: 'no' },
  circuit_breakers: { type: ['any', 'list', 'list', 'list'], served: 'no' },
  enable_ipv4: { type: 'boolean', served: 'no' },
  enable_ipv6: { type: 'boolean', served: 'no' },
  labels: { type: 'map', served: 'no' },
  // Without an effect on traffic
  cluster_tag: { type: 'string', served: 'quiet' },
  stats_name: { type: 'string', served: 'quiet' },
  v3StatsName: { type: 'string', served: 'quiet' },
  v2ExplicitTLS: { type: 'any', served: 'quiet' },
};

/** Fields that may not differ inside a group (reference 2.9); address, port and host are what makes it. */
export const tcpCoreFields = [
  'circuit_breakers',
  'enable_ipv4',
  'enable_ipv6',
  'idle_timeout_ms',
  'tls',
  'labels',
] as const;

/** Reads a TCPMapping; null where an error leaves it out. */
export function parseTcpMapping(object: ShapedObject): { resource: TcpMapping | null; findings: Finding[] } {
  const { version, meta, pathOf } = object;
  const { values, findings } = readFields(object.fields, fields, {
    kind: 'TCPMapping',
    version,
    guarded: ['weight'],
    pathOf,
  });
  findings.push(...checkService(values, pathOf, object), ...check(values, pathOf));
  if (findings.some(isError)) return { resource: null, findings };
  const service = parseService(String(values.service));
  if (!('host' in service)) return { resource: null, findings };
  const named = text(values.tls);
  const tls =
    named !== null
      ? { context: named }
      : values.tls === true || service.scheme === 'https'
        ? { context: null }
        : null;
  const core: Record<string, unknown> = {};
  for (const field of tcpCoreFields) if (values[field] !== undefined) core[field] = values[field];
  const { upstream_proxy_protocol: proxy } = values;
  const resource: TcpMapping = {
    kind: 'TCPMapping',
    meta,
    at: pathOf('port').slice(0, -1),
    version,
    match: readTcpMatch(values),
    weight: typeof values.weight === 'number' ? values.weight : null,
    service,
    serviceKey: serviceKey(service, meta.namespace, tls !== null),
    tls,
    hostRewrite: null,
    idleTimeoutMs: readMilliseconds(values.idle_timeout_ms),
    proxyProtocol: proxy === 'v1' ? 1 : proxy === 'v2' ? 2 : null,
    core,
  };
  return { resource, findings };
}

/** The connections that these fields mean. `host: "*"` is any server name and none, the whole port. */
export function readTcpMatch(values: Readonly<Record<string, unknown>>): TcpMatch {
  const host = text(values.host)?.toLowerCase() ?? null;
  const address = text(values.address);
  return {
    address: address?.replace(/^\[(.*)\]$/, '$1') ?? null,
    port: Number(values.port),
    host: host === '*' ? null : host,
  };
}

/** The CRD has a text here, older versions a number. Null for what is neither, or not written. */
function readMilliseconds(value: unknown): number | null {
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : null;
}

/** Checks what the types of the fields cannot say. */
function check(values: Readonly<Record<string, unknown>>, pathOf: (field: string) => ValuePath): Finding[] {
  const found: Finding[] = [];
  const wrong = (field: string, reason: string, remedy: string): void => {
    found.push(finding('invalid-value', pathOf(field), { field, reason, remedy }));
  };
  const { host, address, idle_timeout_ms: idle, upstream_proxy_protocol: proxy } = values;
  const template = typeof host === 'string' ? templateIn(host) : null;
  if (template !== null)
    found.push(finding('unrendered-template', pathOf('host'), { field: 'host', template }));
  else if (typeof host === 'string') {
    if (/[:/\s]/.test(host)) {
      wrong(
        'host',
        `"${host}" is not a server name`,
        'write the name that clients send in TLS, without a port',
      );
    } else if (host !== '*' && /.\*.|^\*.*\*$/.test(host)) {
      found.push(finding('hostname-glob', pathOf('host'), { field: 'host', value: host }));
    }
  }
  if (typeof address === 'string' && address !== '' && !isIpLiteral(address)) {
    wrong('address', `"${address}" is not an IP address`, 'write an address of this machine, or remove it');
  }
  if (idle !== undefined && readMilliseconds(idle) === null) {
    wrong('idle_timeout_ms', 'this is not a whole number of milliseconds', 'write idle_timeout_ms: "30000"');
  }
  if (proxy !== undefined && proxy !== 'v1' && proxy !== 'v2') {
    wrong('upstream_proxy_protocol', `"${String(proxy)}" is not a version of PROXY`, 'write v1 or v2');
  }
  return found;
}
