import { mkdirSync, readFileSync } from 'node:fs';
import { type ApiClient, ApiError, type KubeObject, objectPath } from '../api.ts';
import { Reflector } from '../reflector.ts';
import type { ApiAddress } from './environment-variables.ts';
import type { Pod } from './pod.ts';
import { PodWorker } from './pod-worker.ts';

/** What stands in for the scheduler and the kubelets of all nodes. */
export interface Kubelet {
  /** Where pods that start from now on find the API server. */
  apiAddress: ApiAddress;
  /** A running pod; throws where there is none. */
  pod(namespace: string, name: string): PodHandle;
  /** Reads Secrets, ConfigMaps and labels again, at once, and gives all pods new ServiceAccount tokens. */
  refreshTokens(): Promise<void>;
  /** Kills all pods' processes; their objects stay. */
  stop(): Promise<void>;
}

/** A pod as its node sees it. */
export interface PodHandle {
  readonly address: string;
  /** The process of a container, by default of the first; null while it does not run. */
  pid(container?: string): number | null;
  /** What a container has written over all its starts. */
  log(container?: string): string;
}

/** A node to be made. */
export interface NodeRequest {
  readonly name: string;
  readonly zone?: string;
}

/** Kubelets read Secrets and ConfigMaps again now and then. */
const refreshEveryMs = 10_000;

/**
 * Makes the nodes, binds pods to them in turn, and runs what is bound: each pod with a network of its own, its containers as real
 * processes. @param folder where pods' files and logs go.
 */
export async function startKubelet(
  api: ApiClient,
  folder: string,
  nodes: readonly NodeRequest[],
  apiAddress: ApiAddress,
): Promise<Kubelet> {
  mkdirSync(folder, { recursive: true });
  const workers = new Map<string, PodWorker>();
  const byName = new Map<string, PodWorker>();
  const names = new Set(nodes.map(({ name }) => name));
  const labels = new Map<string, Record<string, string>>();
  for (const [index, node] of nodes.entries())
    labels.set(node.name, await makeNode(api, node, nodeAddress(index)));
  const addresses = new Map(nodes.map(({ name }, index) => [name, nodeAddress(index)]));
  const binding = new Set<string>();
  let turn = 0;

  const bind = async (pod: Pod) => {
    const uid = pod.metadata.uid!;
    if (binding.has(uid)) return;
    const wanted = Object.entries(pod.spec.nodeSelector ?? {});
    const fit = nodes.filter(({ name }) => wanted.every(([key, value]) => labels.get(name)?.[key] === value));
    if (fit.length === 0) return;
    binding.add(uid);
    const { name, namespace } = pod.metadata;
    await api
      .post(`${objectPath('v1', 'pods', namespace, name)}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: fit[turn++ % fit.length]!.name },
      })
      .catch((error: unknown) => {
        // The API server is away: the next list brings the pod again.
        if (!(error instanceof ApiError)) binding.delete(uid);
      });
  };
  const kubelet: Kubelet = {
    apiAddress,
    pod: (namespace, name) => {
      const worker = byName.get(`${namespace}/${name}`);
      if (worker === undefined) throw new Error(`no pod ${namespace}/${name} runs here`);
      const first = worker.pod.spec.containers[0]!.name;
      return {
        address: worker.address,
        pid: (container = first) => worker.pid(container),
        log: (container = first) => readFileSync(worker.logFile(container), 'utf8'),
      };
    },
    refreshTokens: async () => {
      for (const worker of workers.values()) worker.volumes?.forgetTokens();
      await Promise.all([...workers.values()].map((worker) => worker.refreshVolumes()));
    },
    stop: async () => {
      clearInterval(timer);
      await reflector.stop();
      await Promise.all([...workers.values()].map((worker) => worker.abandon()));
    },
  };
  const reflector = new Reflector<Pod>(api, objectPath('v1', 'pods'), {
    changed: (pod) => {
      const uid = pod.metadata.uid!;
      const worker = workers.get(uid);
      const { nodeName } = pod.spec;
      const over = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
      if (worker !== undefined) worker.update(pod);
      else if (nodeName === undefined || nodeName === '') {
        if (pod.metadata.deletionTimestamp === undefined) void bind(pod);
      } else if (names.has(nodeName) && !over) {
        const made = new PodWorker(pod, {
          api,
          address: addresses.get(nodeName)!,
          apiAddress: kubelet.apiAddress,
          folder,
        });
        workers.set(uid, made);
        byName.set(`${pod.metadata.namespace}/${pod.metadata.name}`, made);
      }
    },
    gone: (pod) => {
      const worker = workers.get(pod.metadata.uid!);
      workers.delete(pod.metadata.uid!);
      binding.delete(pod.metadata.uid!);
      void worker?.abandon();
    },
  });
  const timer = setInterval(() => {
    for (const worker of workers.values()) void worker.refreshVolumes();
  }, refreshEveryMs);
  return kubelet;
}

function nodeAddress(index: number): string {
  return `10.244.0.${10 + index}`;
}

async function makeNode(api: ApiClient, { name, zone }: NodeRequest, address: string) {
  const labels: Record<string, string> = {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    ...(zone !== undefined && { 'topology.kubernetes.io/zone': zone }),
  };
  await api.post<KubeObject>(objectPath('v1', 'nodes'), {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
  });
  const resources = { cpu: '64', memory: '256Gi', pods: '50000', 'ephemeral-storage': '100Gi' };
  await api.patch(`${objectPath('v1', 'nodes', undefined, name)}/status`, {
    status: {
      addresses: [{ type: 'InternalIP', address }],
      capacity: resources,
      allocatable: resources,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          lastHeartbeatTime: new Date().toISOString(),
          lastTransitionTime: new Date().toISOString(),
        },
      ],
    },
  });
  return labels;
}
