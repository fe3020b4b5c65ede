import type { Cluster } from './cluster.ts';
import type { Pod } from './kubelet/pod.ts';

/** A rule of RBAC. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** What `serin run --kubernetes` reads and writes, each group by itself, so that a test can leave one out. */
export const serinRules: readonly PolicyRule[] = [
  rule('', 'services', 'pods', 'secrets', 'namespaces'),
  rule('discovery.k8s.io', 'endpointslices'),
  rule('apps', 'deployments', 'replicasets'),
  rule('networking.k8s.io', 'ingresses', 'ingressclasses'),
  rule('getambassador.io', '*'),
  rule('serin.dev', '*'),
  rule('apiextensions.k8s.io', 'customresourcedefinitions'),
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'],
  },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  { apiGroups: ['serin.dev'], resources: ['canaries/status'], verbs: ['get', 'patch', 'update'] },
];

/** How Serin is to run in a cluster. */
export interface SerinRequest {
  readonly namespace: string;
  readonly replicas?: number;
  /** Of its ClusterRole; `serinRules` by default. */
  readonly rules?: readonly PolicyRule[];
  /** More arguments for `serin run`. */
  readonly args?: readonly string[];
  /** More of the Deployment's spec (`strategy`). */
  readonly deployment?: Readonly<Record<string, unknown>>;
}

/** The port of calls, and that of the admin API, of a Serin that runs as pods. */
export const serinPorts = { calls: 8080, admin: 8877 } as const;

/**
 * Runs `serin run --kubernetes` as pods, as its chart does: a ServiceAccount with a role, no root, nothing writable, no capability. The
 * build in dist/ is what runs. Waits until all are ready; a Service `serin` is before them.
 */
export async function startSerinPods(cluster: Cluster, request: SerinRequest): Promise<readonly Pod[]> {
  const { namespace, replicas = 1 } = request;
  await cluster.kubectl.apply(serinManifests(request), namespace);
  return cluster.readyPods(namespace, 'app=serin', replicas);
}

/** The end of what each Serin of a namespace has written, for a test that has failed. */
export async function serinLogs(cluster: Cluster, namespace: string): Promise<string> {
  const pods = await cluster.pods(namespace, 'app=serin');
  return pods
    .map(({ metadata: { name } }) => `${name}:\n${cluster.kubelet?.pod(namespace, name).log().slice(-4000)}`)
    .join('\n');
}

/** The manifests of that. */
export function serinManifests(request: SerinRequest): string {
  const { namespace, replicas = 1, rules = serinRules, args = [], deployment = {} } = request;
  const labels = { app: 'serin' };
  const role = `serin-${namespace}`;
  const objects = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'serin' } },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: role }, rules },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: role },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', name: 'serin', namespace }],
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'serin' },
      spec: { selector: labels, ports: [{ name: 'calls', port: 80, targetPort: serinPorts.calls }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'serin' },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        ...deployment,
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: 'serin',
            securityContext: { runAsNonRoot: true },
            containers: [
              {
                name: 'serin',
                image: 'serin:test',
                args: [
                  'run',
                  '--kubernetes',
                  `--listen=0.0.0.0:${serinPorts.calls}`,
                  `--admin=0.0.0.0:${serinPorts.admin}`,
                  '--log-format=json',
                  ...args,
                ],
                env: [
                  fieldOf('POD_NAME', 'metadata.name'),
                  fieldOf('POD_NAMESPACE', 'metadata.namespace'),
                  fieldOf('POD_UID', 'metadata.uid'),
                ],
                ports: [
                  { name: 'calls', containerPort: serinPorts.calls },
                  { name: 'admin', containerPort: serinPorts.admin },
                ],
                readinessProbe: { httpGet: { path: '/readyz', port: 'admin' }, periodSeconds: 1 },
                livenessProbe: { httpGet: { path: '/healthz', port: 'admin' } },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ['ALL'] },
                },
              },
            ],
          },
        },
      },
    },
  ];
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}

function fieldOf(name: string, fieldPath: string) {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

function rule(group: string, ...resources: string[]): PolicyRule {
  return { apiGroups: [group], resources, verbs: ['get', 'list', 'watch'] };
}
