import type { ValuePath } from '../../lib/position.ts';
import type { AddressRules, ClientCertMode, Compression, HttpSettings } from '../../model/http-settings.ts';
import { isMap } from '../field-types.ts';
import { type ApiVersion, type FieldTable, readFields } from '../fields.ts';
import { type Finding, finding } from '../issue.ts';
import { readAddressRules } from './module-addresses.ts';
import { readCompression } from './module-compression.ts';

/** What the Module says of heads, and how many proxies in front are believed. */
export interface ModuleHttp {
  readonly http: HttpSettings;
  /** xff_num_trusted_hops, for listeners without an l7Depth. */
  readonly trustedHops: number;
  /** use_proxy_proto: the ports that no Listener describes demand PROXY headers. */
  readonly proxyProtocol: boolean;
  /** x_forwarded_proto_redirect: without Hosts, requests that are not secure are redirected. */
  readonly redirectsInsecure: boolean;
  /** Where `config` stands in its document. */
  readonly configAt: ValuePath;
  /** add_linkerd_headers, for Mappings that do not say. */
  readonly linkerdHeaders: boolean;
}

/** Fields of `config` that are read here. Source: Ambassador's documentation of the Module, 0.50 to 4.1. */
export const moduleHttpFields: FieldTable = {
  xff_num_trusted_hops: { type: 'integer' },
  use_remote_address: { type: 'boolean' },
  preserve_external_request_id: { type: 'boolean' },
  suppress_envoy_headers: { type: 'boolean' },
  server_name: { type: 'string' },
  forward_client_cert_details: { type: 'string' },
  set_current_client_cert_details: { type: 'map' },
  merge_slashes: { type: 'boolean' },
  reject_requests_with_escaped_slashes: { type: 'boolean' },
  strip_matching_host_port: { type: 'boolean' },
  headers_with_underscores_action: { type: 'string' },
  x_forwarded_proto_redirect: { type: 'boolean' },
  use_proxy_proto: { type: 'boolean' },
  add_linkerd_headers: { type: 'boolean' },
  gzip: { type: 'map' },
  ip_allow: { type: 'list' },
  ip_deny: { type: 'list' },
  serin: { type: 'map' },
};

/** Serin's own, under `config.serin`. */
const ownFields: FieldTable = {
  begin_traces: { type: 'weight' },
  via: { type: 'string' },
  forwarded: { type: 'boolean' },
  x_forwarded_host: { type: 'boolean' },
  escaped_slashes: { type: 'string' },
  compression: { type: 'map' },
};

const certificateFields: FieldTable = {
  subject: { type: 'boolean' },
  cert: { type: 'boolean' },
  chain: { type: 'boolean' },
  dns: { type: 'boolean' },
  uri: { type: 'boolean' },
};

const certificateModes = [
  'SANITIZE',
  'FORWARD_ONLY',
  'APPEND_FORWARD',
  'SANITIZE_SET',
  'ALWAYS_FORWARD_ONLY',
];

type Values = Readonly<Record<string, unknown>>;
/** What was read of the Module's fields, of `serin`, and of `set_current_client_cert_details`. */
interface Tables {
  readonly values: Values;
  readonly own: Values;
  readonly details: Values;
}

/** Reads them; a Module with an error is left out as a whole. @param at where `config` stands. */
export function readModuleHttp(
  config: Values,
  version: ApiVersion,
  at: ValuePath,
): { read: ModuleHttp; findings: Finding[] } {
  const findings: Finding[] = [];
  const fieldsOf = (value: unknown, table: FieldTable, kind: string, path: readonly string[]): Values => {
    const pathOf = (field: string): ValuePath => [...at, ...path, field];
    const read = readFields(isMap(value) ? value : {}, table, { kind, version, pathOf });
    findings.push(...read.findings);
    return read.values;
  };
  const known = Object.fromEntries(Object.entries(config).filter(([key]) => key in moduleHttpFields));
  const values = fieldsOf(known, moduleHttpFields, 'Module', []);
  const own = fieldsOf(values.serin, ownFields, 'config.serin of a Module', ['serin']);
  const certificate = 'set_current_client_cert_details';
  const details = fieldsOf(values[certificate], certificateFields, `config.${certificate} of a Module`, [
    certificate,
  ]);
  findings.push(...checkValues({ values, own, details }, at));
  const { compression, findings: found } = readCompression(values.gzip, own.compression, version, at);
  findings.push(...found);
  const addresses = readAddressRules(config, at);
  findings.push(...addresses.findings);
  const read = {
    http: settingsOf({ values, own, details }, compression, addresses.rules),
    trustedHops: Number(values.xff_num_trusted_hops ?? 0),
    proxyProtocol: values.use_proxy_proto === true,
    redirectsInsecure: values.x_forwarded_proto_redirect === true,
    configAt: at,
    linkerdHeaders: values.add_linkerd_headers === true,
  };
  return { read, findings };
}

/** What the types of the fields cannot say. */
function checkValues({ values, own }: Tables, at: ValuePath): Finding[] {
  const found: Finding[] = [];
  const wrong = (name: string, reason: string, remedy: string): void => {
    const path = [...at, ...name.split('.')];
    found.push(finding('invalid-value', path, { field: `config.${name}`, reason, remedy }));
  };
  const choice = (value: unknown, name: string, words: readonly string[]): void => {
    if (value === undefined || words.includes(String(value))) return;
    wrong(name, `"${String(value)}" is not known`, `write one of ${words.join(', ')}`);
  };
  const hops = Number(values.xff_num_trusted_hops ?? 0);
  if (hops < 0 || hops > mostHops) {
    wrong('xff_num_trusted_hops', `${hops} is no number of proxies`, `write 0 to ${mostHops}`);
  }
  if (Number(own.begin_traces ?? 0) > 100) {
    wrong('serin.begin_traces', `${String(own.begin_traces)} is more than all`, 'write 0 to 100');
  }
  const { server_name: name } = values;
  if (name !== undefined && !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(String(name))) {
    wrong('server_name', 'it goes into a header', 'write visible ASCII in one line');
  }
  if (own.via !== undefined && !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(String(own.via))) {
    const reason = `"${String(own.via)}" is no pseudonym (RFC 9110 7.6.3)`;
    wrong('serin.via', reason, 'write letters, digits, hyphens and dots');
  }
  choice(values.forward_client_cert_details, 'forward_client_cert_details', certificateModes);
  choice(values.headers_with_underscores_action, 'headers_with_underscores_action', Object.keys(underscores));
  choice(own.escaped_slashes, 'serin.escaped_slashes', ['keep', 'reject', 'unescape']);
  return found;
}

const underscores: Readonly<Record<string, HttpSettings['underscores']>> = {
  ALLOW: 'allow',
  REJECT_REQUEST: 'reject',
  DROP_HEADER: 'drop',
};

function settingsOf(
  { values, own, details }: Tables,
  compression: Compression | null,
  addresses: AddressRules | null,
): HttpSettings {
  const text = (value: unknown): string | null => (value === undefined ? null : String(value));
  const rejects = values.reject_requests_with_escaped_slashes === true;
  return {
    useRemoteAddress: values.use_remote_address !== false,
    preserveRequestId: values.preserve_external_request_id === true,
    traceSampledPercent: own.begin_traces === undefined ? null : Number(own.begin_traces),
    via: text(own.via),
    forwarded: own.forwarded === true,
    forwardedHost: own.x_forwarded_host === true,
    envoyHeaders: values.suppress_envoy_headers === false,
    serverName: text(values.server_name),
    clientCertMode: (text(values.forward_client_cert_details)?.toLowerCase() ??
      null) as ClientCertMode | null,
    clientCertDetails: {
      subject: details.subject === true,
      cert: details.cert === true,
      chain: details.chain === true,
      dns: details.dns === true,
      uri: details.uri === true,
    },
    path: {
      mergeSlashes: values.merge_slashes === true,
      escapedSlashes: (text(own.escaped_slashes) ?? (rejects ? 'reject' : 'keep')) as EscapedSlashes,
    },
    stripMatchingPort: values.strip_matching_host_port === true,
    underscores: underscores[String(values.headers_with_underscores_action ?? 'ALLOW')] ?? 'allow',
    compression,
    addressRules: addresses === null ? [] : [addresses],
  };
}

type EscapedSlashes = HttpSettings['path']['escapedSlashes'];

/** More proxies in a row are a mistake. */
const mostHops = 100;
