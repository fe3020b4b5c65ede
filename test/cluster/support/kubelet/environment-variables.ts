import { cpus, totalmem } from 'node:os';
import { type ApiClient, objectPath } from '../api.ts';
import type { Container, EnvVar, NameRef, Pod, ResourceFieldRef } from './pod.ts';

/** Where pods find the API server. */
export interface ApiAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * The environment of a container, in the kubelet's order: the API server's address, `envFrom`, `env` with $(NAME) expanded.
 * Throws what keeps a kubelet from starting it: a ConfigMap, Secret or key that is missing.
 */
export async function environmentOf(
  pod: Pod,
  container: Container,
  addresses: readonly string[],
  nodeAddress: string,
  api: ApiClient,
  apiAddress: ApiAddress,
): Promise<Record<string, string>> {
  const environment: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOSTNAME: pod.spec.hostname ?? pod.metadata.name,
    KUBERNETES_SERVICE_HOST: apiAddress.host,
    KUBERNETES_SERVICE_PORT: String(apiAddress.port),
    KUBERNETES_SERVICE_PORT_HTTPS: String(apiAddress.port),
  };
  const data = (kind: 'configmaps' | 'secrets', ref: NameRef) => keyedData(api, kind, pod, ref);
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const found = configMapRef
      ? await data('configmaps', configMapRef)
      : secretRef && (await data('secrets', secretRef));
    for (const [key, value] of Object.entries(found ?? {}))
      environment[prefix + key] = value.toString('utf8');
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(variable);
    if (value !== undefined) environment[variable.name] = value;
  }
  return environment;

  async function valueOf({ name, value, valueFrom: from }: EnvVar): Promise<string | undefined> {
    if (from === undefined) return expand(value ?? '', environment);
    if (from.fieldRef) return fieldOf(pod, from.fieldRef.fieldPath, addresses, nodeAddress);
    if (from.resourceFieldRef) return resourceOf(pod, container, from.resourceFieldRef);
    const ref = from.configMapKeyRef ?? from.secretKeyRef;
    if (ref === undefined) throw new Error(`env ${name}: valueFrom names no source that is known here`);
    const found = await data(from.configMapKeyRef ? 'configmaps' : 'secrets', ref);
    const bytes = found?.[ref.key];
    if (bytes === undefined && !ref.optional) throw new Error(`couldn't find key ${ref.key} in ${ref.name}`);
    return bytes?.toString('utf8');
  }
}

/** Replaces $(NAME) where NAME is known, as containers' commands and values have it; $$ is one $. */
export function expand(text: string, environment: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$|\(([^)]+)\))/g, (whole, escaped: string, name: string | undefined) =>
    escaped === '$'
      ? '$'
      : name !== undefined && Object.hasOwn(environment, name)
        ? environment[name]!
        : whole,
  );
}

/** The data of a ConfigMap or Secret; null where it is missing and may be. Throws where it must not be missing. */
export async function keyedData(
  api: ApiClient,
  kind: 'configmaps' | 'secrets',
  pod: Pod,
  ref: NameRef,
): Promise<Record<string, Buffer> | null> {
  const found = await api.find<{ data?: Record<string, string>; binaryData?: Record<string, string> }>(
    objectPath('v1', kind, pod.metadata.namespace, ref.name),
  );
  if (found === null) {
    if (ref.optional) return null;
    throw new Error(`${kind.slice(0, -1)} "${ref.name}" not found`);
  }
  const text = kind === 'secrets' ? 'base64' : 'utf8';
  const decode = (entries: Record<string, string> | undefined, encoding: BufferEncoding) =>
    Object.entries(entries ?? {}).map(([key, value]) => [key, Buffer.from(value, encoding)] as const);
  return Object.fromEntries([...decode(found.data, text), ...decode(found.binaryData, 'base64')]);
}

/** A field of the pod, as `fieldRef` names it (`metadata.name`, `metadata.labels['app']`, `status.podIP`). */
export function fieldOf(pod: Pod, path: string, addresses: readonly string[], nodeAddress: string): string {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(labels|annotations)(?:\['(.+)'\])?$/.exec(path);
  if (keyed !== null) {
    const all = metadata[keyed[1] as 'labels' | 'annotations'] ?? {};
    if (keyed[2] !== undefined) return all[keyed[2]] ?? '';
    return Object.entries(all)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .join('\n');
  }
  const fields: Record<string, string | undefined> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec.nodeName,
    'spec.serviceAccountName': spec.serviceAccountName,
    'status.hostIP': nodeAddress,
    'status.hostIPs': nodeAddress,
    'status.podIP': addresses[0],
    'status.podIPs': addresses.join(','),
  };
  const value = fields[path];
  if (value === undefined) throw new Error(`fieldPath ${path} is not known here`);
  return value;
}

/** A limit or request of a container; where it has none, what the machine has. Rounded up to whole divisors. */
export function resourceOf(pod: Pod, container: Container, ref: ResourceFieldRef): string {
  const name = ref.containerName ?? container.name;
  const found = pod.spec.containers.find((one) => one.name === name) ?? container;
  const [kind, resource] = ref.resource.split('.') as ['limits' | 'requests', string];
  const machine = resource === 'cpu' ? `${cpus().length}` : resource === 'memory' ? `${totalmem()}` : '0';
  const quantity = found.resources?.[kind]?.[resource] ?? (kind === 'limits' ? machine : '0');
  return String(Math.ceil(amount(quantity) / (amount(ref.divisor ?? '1') || 1) - 1e-9));
}

/** The number that a quantity means (`250m`, `64Mi`). */
function amount(quantity: string): number {
  const [, digits = '0', suffix = ''] = /^([0-9.eE+-]+)(m|[kMGTP]i?)?$/.exec(quantity) ?? [];
  if (suffix === 'm') return Number(digits) / 1000;
  const power = ' kMGTP'.indexOf(suffix.charAt(0) || ' ');
  return Number(digits) * (suffix.endsWith('i') ? 1024 : 1000) ** power;
}
