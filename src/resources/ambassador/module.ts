import type { Cors } from '../../model/cors.ts';
import { isMap } from '../field-types.ts';
import { type Finding, finding } from '../issue.ts';
import type { ObjectMeta } from '../resource.ts';
import { checkCors, readCors } from './cors.ts';
import { misplacedAddressFields, misspeltAddressField } from './module-addresses.ts';
import { type ModuleHttp, moduleHttpFields, readModuleHttp } from './module-http.ts';
import type { ShapedObject } from './shape.ts';
import { readTlsModule, type TlsModule } from './tls-context.ts';

/** The Module "ambassador": defaults for all Mappings. Beside it only the Module "tls" has an effect. */
export interface ModuleResource extends ModuleHttp {
  readonly kind: 'Module';
  readonly meta: ObjectMeta;
  /** timeout_ms of Mappings that have none; null = not written. */
  readonly requestTimeoutMs: number | null;
  /** For groups whose Mappings have none. */
  readonly cors: Cors | null;
  /** enable_grpc_web: that it is there is what counts, as in Ambassador, whatever it says. */
  readonly grpcWeb: boolean;
  /** Whether a dot in the name of a Secret leads to another namespace, where the TLSContext does not say. */
  readonly secretNamespacing: boolean;
  /** `config.tls`, which v0 and v1 read; null = not written. */
  readonly tls: TlsModule | null;
}

/** Fields of the Module that make no difference here, whatever they say: Ambassador's own diagnostics page, and where its admin port is. */
const quiet = new Set(['diagnostics', 'admin_port', 'diag_port']);

/** Reads a Module: its fields stand under `config`. */
export function parseModule(object: ShapedObject): {
  resource: ModuleResource | TlsModule | null;
  findings: Finding[];
} {
  const { meta, fields, version } = object;
  const findings = misplacedAddressFields(object);
  if (meta.name === 'tls') {
    const read = readTlsModule(isMap(fields.config) ? fields.config : {}, meta, object.pathOf('config'));
    return { ...read, findings: [...findings, ...read.findings] };
  }
  if (meta.name !== 'ambassador') {
    findings.push(finding('kind-not-served', [], { kind: `Module ${meta.name}` }));
    return { resource: null, findings };
  }
  const config = isMap(fields.config) ? fields.config : {};
  const timeout = config.cluster_request_timeout_ms;
  const defaults = isMap(config.defaults) ? config.defaults : {};
  const { tls_secret_namespacing: namespacing, ...otherDefaults } = defaults;
  // Since v2 a TLSContext does this, and Ambassador passes the field over.
  const tlsAt = [...object.pathOf('config'), 'tls'];
  const tls = version < 2 && isMap(config.tls) ? readTlsModule(config.tls, meta, tlsAt) : null;
  findings.push(...(tls?.findings ?? []));
  for (const key in config) {
    const path = [...object.pathOf('config'), key];
    if (key === 'cluster_request_timeout_ms' || key === 'enable_grpc_web' || quiet.has(key)) continue;
    if (key in moduleHttpFields) continue;
    // HTTP/1.0 is always served.
    if (key === 'enable_http10' && config[key] === true) continue;
    if (key === 'cors') {
      findings.push(...checkCors(config.cors, path));
      continue;
    }
    if (key === 'defaults' && Object.keys(otherDefaults).length === 0) continue;
    if (key === 'tls' && tls !== null) continue;
    findings.push(
      misspeltAddressField(key, path) ?? finding('field-not-served', path, { field: `config.${key}` }),
    );
  }
  const { read, findings: found } = readModuleHttp(config, version, object.pathOf('config'));
  findings.push(...found);
  const requestTimeoutMs = typeof timeout === 'number' && timeout >= 0 ? timeout : null;
  const secretNamespacing = namespacing !== false;
  const grpcWeb = 'enable_grpc_web' in config;
  return {
    resource: {
      kind: 'Module',
      meta,
      ...read,
      requestTimeoutMs,
      cors: readCors(config.cors),
      grpcWeb,
      secretNamespacing,
      tls: tls?.resource ?? null,
    },
    findings,
  };
}
