import type { Autoscalers, ReplicaCounts, ReplicaRange } from '../balancing/replica-plan.ts';
import { type ApiClient, ApiError, type Raw } from './api-client.ts';
import { asMap } from './kinds.ts';

/** A Service over two Deployments, as the cluster has it. */
export interface ServiceReplicas {
  /** `name.namespace` of the Service. */
  readonly service: string;
  readonly namespace: string;
  readonly names: { readonly stable: string; readonly canary: string };
  readonly counts: ReplicaCounts;
  readonly autoscalers: Autoscalers;
  /** Label of the pods that tells the versions apart, and its values. */
  readonly versionLabel: string;
  readonly versions: { readonly stable: string; readonly canary: string };
  /** What could not be found out; null = everything was. */
  readonly note: string | null;
}

interface Deployment {
  readonly name: string;
  readonly replicas: number;
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, unknown>>;
}

/** Labels that tell versions, the first that differs counts; after them any other. */
const versionLabels = ['version', 'app.kubernetes.io/version'];
/** Set by the Deployment's own controller. */
const HASH = 'pod-template-hash';

/**
 * Reads a Service, the two Deployments that its selector means and the autoscalers of these.
 * @param written `name` or `name.namespace`. @param namespace where a name alone is looked for.
 * @param deployments which one is stable and which canary; null = the one with fewer pods is the canary, of equals the younger one.
 * Rejects with a sentence for the user.
 */
export async function readServiceReplicas(
  client: ApiClient,
  written: string,
  namespace: string,
  deployments: readonly [string, string] | null,
): Promise<ServiceReplicas> {
  const dot = written.indexOf('.');
  const [name, space] =
    dot === -1
      ? [written, namespace]
      : [written.slice(0, dot), written.slice(dot + 1).replace(/\.svc(\..*)?$/, '')];
  const service = `${name}.${space}`;
  const selector = asMap(asMap((await readService(client, name, space)).spec).selector);
  if (Object.keys(selector).length === 0)
    throw new Error(
      `the Service ${service} has no selector, so no Deployment is known that it divides calls between`,
    );
  const meant = (await list(client, `/apis/apps/v1/namespaces/${space}/deployments`))
    .map(readDeployment)
    .filter(({ labels }) => Object.entries(selector).every(([key, value]) => labels[key] === value));
  const [stable, canary] = chooseTwo(meant, deployments, service);
  const { scalers, note } = await readAutoscalers(client, space);
  const versionLabel = differingLabel(stable, canary);
  return {
    service,
    namespace: space,
    names: { stable: stable.name, canary: canary.name },
    counts: { stable: stable.replicas, canary: canary.replicas },
    autoscalers: { stable: scalers.get(stable.name) ?? null, canary: scalers.get(canary.name) ?? null },
    versionLabel,
    versions: {
      stable: String(stable.labels[versionLabel] ?? stable.name),
      canary: String(canary.labels[versionLabel] ?? canary.name),
    },
    note,
  };
}

async function readService(client: ApiClient, name: string, namespace: string): Promise<Raw> {
  try {
    return await client.call<Raw>({
      path: `/api/v1/namespaces/${namespace}/services/${encodeURIComponent(name)}`,
    });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    throw new Error(
      `there is no Service ${name} in the namespace ${namespace}; kubectl get services -A lists all`,
    );
  }
}

async function list(client: ApiClient, path: string): Promise<readonly Raw[]> {
  return (await client.call<{ items: readonly Raw[] }>({ path })).items;
}

function readDeployment(object: Raw): Deployment {
  const [metadata, spec] = [asMap(object.metadata), asMap(object.spec)];
  return {
    name: String(metadata.name),
    // What is wanted, not what is there: a plan changes what is wanted.
    replicas: typeof spec.replicas === 'number' ? spec.replicas : 1,
    createdAt: String(metadata.creationTimestamp),
    labels: asMap(asMap(asMap(spec.template).metadata).labels),
  };
}

function chooseTwo(
  meant: readonly Deployment[],
  wanted: readonly [string, string] | null,
  service: string,
): readonly [Deployment, Deployment] {
  const names = meant.map(({ name }) => name).join(', ');
  if (wanted !== null) {
    const [stable, canary] = wanted.map((name) => meant.find((one) => one.name === name));
    if (stable !== undefined && canary !== undefined) return [stable, canary];
    throw new Error(
      `the Service ${service} selects pods of ${names || 'no Deployment'}, not of ${wanted.join(' and ')}`,
    );
  }
  const [first, second, ...others] = meant;
  if (first === undefined || second === undefined)
    throw new Error(
      `the Service ${service} selects pods of ${names === '' ? 'no Deployment' : `one Deployment alone (${names})`}; a canary by replicas needs two behind one Service`,
    );
  if (others.length > 0)
    throw new Error(
      `the Service ${service} selects pods of ${names}; say which two with --deployments STABLE,CANARY`,
    );
  const swapped =
    first.replicas < second.replicas ||
    (first.replicas === second.replicas && first.createdAt > second.createdAt);
  return swapped ? [second, first] : [first, second];
}

function differingLabel(stable: Deployment, canary: Deployment): string {
  const keys = new Set([...versionLabels, ...Object.keys(stable.labels), ...Object.keys(canary.labels)]);
  for (const key of keys) {
    const [a, b] = [stable.labels[key], canary.labels[key]];
    if (key !== HASH && a !== undefined && b !== undefined && a !== b) return key;
  }
  return 'version';
}

/** Ranges by the name of the Deployment. Who may not read them gets plans without. */
async function readAutoscalers(
  client: ApiClient,
  namespace: string,
): Promise<{ scalers: ReadonlyMap<string, ReplicaRange>; note: string | null }> {
  const scalers = new Map<string, ReplicaRange>();
  let items: readonly Raw[];
  try {
    items = await list(client, `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 403)) throw error;
    return { scalers, note: `autoscalers are not known: ${error.message}` };
  }
  for (const item of items) {
    const spec = asMap(item.spec);
    const { kind, name } = asMap(spec.scaleTargetRef);
    if (kind !== 'Deployment') continue;
    scalers.set(String(name), { min: Number(spec.minReplicas ?? 1), max: Number(spec.maxReplicas ?? 1) });
  }
  return { scalers, note: null };
}
