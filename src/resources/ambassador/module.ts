import { isMap } from '../field-types.ts';
import { type Finding, finding } from '../issue.ts';
import type { ObjectMeta } from '../resource.ts';
import type { ShapedObject } from './shape.ts';

/** The Module "ambassador": defaults for all Mappings. Other Modules have no effect. */
export interface ModuleResource {
  readonly kind: 'Module';
  readonly meta: ObjectMeta;
  /** timeout_ms of Mappings that have none; null = not written. */
  readonly requestTimeoutMs: number | null;
}

/** Fields of the Module that change nothing here, so that nobody has to hear of them. */
const quiet = new Set([
  'service_port',
  'diagnostics',
  'use_remote_address',
  'server_name',
  'envoy_log_type',
  'statsd',
  'x_forwarded_proto_redirect',
]);

/** Reads a Module: its fields stand under `config`. */
export function parseModule(object: ShapedObject): { resource: ModuleResource | null; findings: Finding[] } {
  const { meta, fields } = object;
  const findings: Finding[] = [];
  if (meta.name !== 'ambassador') {
    findings.push(finding('kind-not-served', [], { kind: `Module ${meta.name}` }));
    return { resource: null, findings };
  }
  const config = isMap(fields.config) ? fields.config : {};
  const timeout = config.cluster_request_timeout_ms;
  for (const key in config) {
    const path = [...object.pathOf('config'), key];
    if (key === 'cluster_request_timeout_ms' || quiet.has(key)) continue;
    findings.push(finding('field-not-served', path, { field: `config.${key}` }));
  }
  const requestTimeoutMs = typeof timeout === 'number' && timeout >= 0 ? timeout : null;
  return { resource: { kind: 'Module', meta, requestTimeoutMs }, findings };
}
