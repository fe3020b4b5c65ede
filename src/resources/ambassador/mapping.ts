import type { ValuePath } from '../../lib/position.ts';
import type { HeaderEdits } from '../../model/backend.ts';
import type { Cors } from '../../model/cors.ts';
import type { PathRewrite } from '../../model/path.ts';
import type { Redirect } from '../../model/route.ts';
import { type ApiVersion, readFields } from '../fields.ts';
import { type Finding, isError } from '../issue.ts';
import type { ObjectMeta } from '../resource.ts';
import { readCors } from './cors.ts';
import { checkMapping } from './mapping-check.ts';
import { coreFields, mappingFields } from './mapping-fields.ts';
import { readHeaderEdits } from './mapping-headers.ts';
import { type MappingMatch, readMatch } from './mapping-match.ts';
import { readRedirect } from './mapping-redirect.ts';
import { readRewrite } from './mapping-rewrite.ts';
import { parseService, type ServiceAddress, serviceKey } from './service-address.ts';
import type { ShapedObject } from './shape.ts';

/** A Mapping of any version, with that version's defaults and conversions done. */
export interface Mapping {
  readonly kind: 'Mapping';
  readonly meta: ObjectMeta;
  /** Where its fields stand in its document: [] or ['spec']. */
  readonly at: ValuePath;
  readonly version: ApiVersion;
  readonly match: MappingMatch;
  /** Percent; null = not written. 0 is 0. */
  readonly weight: number | null;
  readonly service: ServiceAddress;
  /** Key of the endpoint table. */
  readonly serviceKey: string;
  readonly grpc: boolean;
  readonly rewrite: PathRewrite;
  readonly hostRewrite: string | null;
  /** The service's own name is sent as host, where no host_rewrite says another. */
  readonly autoHostRewrite: boolean;
  /** Null = not written: the Module decides. */
  readonly linkerdHeaders: boolean | null;
  readonly requestHeaders: HeaderEdits;
  readonly responseHeaders: HeaderEdits;
  /** Milliseconds; 0 = none; null = not written. */
  readonly timeoutMs: number | null;
  /** Null = cleartext; else TLS, with the name of a TLSContext or without. */
  readonly tls: { readonly context: string | null } | null;
  /** Protocols of allow_upgrade in lower case; null = neither it nor use_websocket is written. */
  readonly upgrades: readonly string[] | null;
  readonly cors: Cors | null;
  readonly shadow: boolean;
  readonly redirect: Redirect | null;
  readonly bypassAuth: boolean;
  /** Values of the fields that may not differ in a group, only those that are written. */
  readonly core: Readonly<Record<string, unknown>>;
}

/** Reads a Mapping; null where an error leaves it out. */
export function parseMapping(object: ShapedObject): { resource: Mapping | null; findings: Finding[] } {
  const { version, meta } = object;
  const { values, findings } = readFields(object.fields, mappingFields, {
    kind: 'Mapping',
    version,
    guarded: ['weight', 'shadow'],
    pathOf: object.pathOf,
  });
  findings.push(...checkMapping(values, object));
  if (findings.some(isError)) return { resource: null, findings };
  const service = parseService(String(values.service));
  if (!('host' in service)) return { resource: null, findings };
  const match = readMatch(values, version);
  const tls = readTls(values.tls, service);
  const core: Record<string, unknown> = {};
  for (const field of coreFields) if (values[field] !== undefined) core[field] = values[field];
  const resource: Mapping = {
    kind: 'Mapping',
    meta,
    at: object.pathOf('prefix').slice(0, -1),
    version,
    match,
    weight: typeof values.weight === 'number' ? values.weight : null,
    service,
    serviceKey: serviceKey(service, meta.namespace, tls !== null),
    grpc: values.grpc === true,
    rewrite: readRewrite(values, match.route.path),
    hostRewrite: typeof values.host_rewrite === 'string' ? values.host_rewrite : null,
    autoHostRewrite: values.auto_host_rewrite === true,
    linkerdHeaders: typeof values.add_linkerd_headers === 'boolean' ? values.add_linkerd_headers : null,
    requestHeaders: readHeaderEdits(values.add_request_headers, values.remove_request_headers),
    responseHeaders: readHeaderEdits(values.add_response_headers, values.remove_response_headers),
    timeoutMs: typeof values.timeout_ms === 'number' ? values.timeout_ms : null,
    tls,
    upgrades: readUpgrades(values.allow_upgrade, values.use_websocket),
    cors: readCors(values.cors),
    shadow: values.shadow === true,
    redirect: readRedirect(values, match.route.path, service),
    bypassAuth: values.bypass_auth === true,
    core,
  };
  return { resource, findings };
}

/** `use_websocket: true` is the old word for `allow_upgrade: [websocket]`. */
function readUpgrades(allowed: unknown, websocket: unknown): Mapping['upgrades'] {
  if (Array.isArray(allowed)) return allowed.map((protocol) => String(protocol).toLowerCase());
  if (typeof websocket === 'boolean') return websocket ? ['websocket'] : [];
  return null;
}

function readTls(tls: unknown, service: ServiceAddress): Mapping['tls'] {
  if (typeof tls === 'string' && tls !== '') return { context: tls };
  return tls === true || service.scheme === 'https' ? { context: null } : null;
}
