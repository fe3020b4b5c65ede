import type { ValuePath } from '../../lib/position.ts';
import { type ClientCertMode, defaultHttpSettings, type HttpSettings } from '../../model/http-settings.ts';
import { isMap } from '../field-types.ts';
import { type ApiVersion, type FieldTable, readFields } from '../fields.ts';
import { type Finding, finding } from '../issue.ts';
import { readCompression } from './module-compression.ts';

/** What the Module says of heads, and how many proxies in front are believed. */
export interface ModuleHttp {
  readonly http: HttpSettings;
  /** xff_num_trusted_hops, for listeners without an l7Depth. */
  readonly trustedHops: number;
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
  add_linkerd_headers: { type: 'boolean' },
  gzip: { type: 'map' },
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

/** Reads them; a Module with an error is left out as a whole. @param at where `config` stands. */
export function readModuleHttp(
  config: Readonly<Record<string, unknown>>,
  version: ApiVersion,
  at: ValuePath,
): { read: ModuleHttp; findings: Finding[] } {
  const findings: Finding[] = [];
  const fieldsOf = (value: unknown, table: FieldTable, kind: string, path: ValuePath) => {
    const known = isMap(value) ? value : {};
    const read = readFields(known, table, { kind, version, pathOf: (field) => [...path, field] });
    findings.push(...read.findings);
    return read.values;
  };
  const wrong = (path: ValuePath, field: string, reason: string, remedy: string): void => {
    findings.push(finding('invalid-value', [...at, ...path], { field: `config.${field}`, reason, remedy }));
  };
  const choice = (
    value: unknown,
    field: string,
    words: readonly string[],
    path: ValuePath,
  ): string | null => {
    if (value === undefined) return null;
    const word = String(value);
    if (words.includes(word)) return word;
    wrong(path, field, `"${word}" is not known`, `write one of ${words.join(', ')}`);
    return null;
  };

  const known = Object.fromEntries(Object.entries(config).filter(([key]) => key in moduleHttpFields));
  const values = fieldsOf(known, moduleHttpFields, 'Module', at);
  const own = fieldsOf(values.serin, ownFields, 'config.serin of a Module', [...at, 'serin']);
  const details = fieldsOf(
    values.set_current_client_cert_details,
    certificateFields,
    'config.set_current_client_cert_details of a Module',
    [...at, 'set_current_client_cert_details'],
  );
  const hops = Number(values.xff_num_trusted_hops ?? 0);
  if (hops < 0 || hops > mostHops) {
    wrong(['xff_num_trusted_hops'], 'xff_num_trusted_hops', `${hops} is no number of proxies`, '0 to 100');
  }
  const percent = own.begin_traces === undefined ? null : Number(own.begin_traces);
  if (percent !== null && percent > 100) {
    wrong(['serin', 'begin_traces'], 'serin.begin_traces', `${percent} is more than all`, 'write 0 to 100');
  }
  const serverName = values.server_name === undefined ? null : String(values.server_name);
  if (serverName !== null && !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(serverName)) {
    wrong(['server_name'], 'server_name', 'it goes into a header', 'write visible ASCII in one line');
  }
  const via = own.via === undefined ? null : String(own.via);
  if (via !== null && !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(via)) {
    wrong(
      ['serin', 'via'],
      'serin.via',
      `"${via}" is no pseudonym (RFC 9110 7.6.3)`,
      'letters, digits, - and .',
    );
  }
  const mode = choice(values.forward_client_cert_details, 'forward_client_cert_details', certificateModes, [
    'forward_client_cert_details',
  ]);
  const underscores = choice(
    values.headers_with_underscores_action,
    'headers_with_underscores_action',
    ['ALLOW', 'REJECT_REQUEST', 'DROP_HEADER'],
    ['headers_with_underscores_action'],
  );
  const slashes = choice(
    own.escaped_slashes,
    'serin.escaped_slashes',
    ['keep', 'reject', 'unescape'],
    ['serin', 'escaped_slashes'],
  );
  const compression = readCompression(values.gzip, own.compression, version, at);
  findings.push(...compression.findings);
  const http: HttpSettings = {
    ...defaultHttpSettings,
    useRemoteAddress: values.use_remote_address !== false,
    preserveRequestId: values.preserve_external_request_id === true,
    traceSampledPercent: percent,
    via,
    forwarded: own.forwarded === true,
    forwardedHost: own.x_forwarded_host === true,
    envoyHeaders: values.suppress_envoy_headers === false,
    serverName,
    clientCertMode: mode === null ? null : (mode.toLowerCase() as ClientCertMode),
    clientCertDetails: {
      subject: details.subject === true,
      cert: details.cert === true,
      chain: details.chain === true,
      dns: details.dns === true,
      uri: details.uri === true,
    },
    path: {
      mergeSlashes: values.merge_slashes === true,
      escapedSlashes:
        (slashes as HttpSettings['path']['escapedSlashes'] | null) ??
        (values.reject_requests_with_escaped_slashes === true ? 'reject' : 'keep'),
    },
    stripMatchingPort: values.strip_matching_host_port === true,
    underscores:
      underscores === 'REJECT_REQUEST' ? 'reject' : underscores === 'DROP_HEADER' ? 'drop' : 'allow',
    compression: compression.compression,
  };
  const read = {
    http,
    trustedHops: hops,
    redirectsInsecure: values.x_forwarded_proto_redirect === true,
    configAt: at,
    linkerdHeaders: values.add_linkerd_headers === true,
  };
  return { read, findings };
}

/** More proxies in a row are a mistake. */
const mostHops = 100;
