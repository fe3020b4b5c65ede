import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type ApiAccess, ApiClient, type KubeList, type KubeObject, objectPath } from './api.ts';
import { type ControlPlane, kubeconfig, startControlPlane } from './control-plane.ts';
import { bridgeAddress, workFolder } from './environment.ts';
import { type Forwarder, startForwarder } from './forwarder.ts';
import { type Kubectl, makeKubectl } from './kubectl.ts';
import { type Kubelet, type NodeRequest, startKubelet } from './kubelet/kubelet.ts';
import type { Pod } from './kubelet/pod.ts';
import { type ServiceProxy, startServiceProxy } from './service-proxy.ts';

/** What a test's cluster is made of. */
export interface ClusterRequest {
  /** One node `node-0` by default; none = no kubelet at all, pods stay objects. */
  readonly nodes?: readonly NodeRequest[];
  /** Files with manifests that are applied first: CustomResourceDefinitions. */
  readonly crds?: readonly string[];
  /** Whether pods reach the API server through `forwarder`, which can cut and refuse. */
  readonly forwarded?: boolean;
}

/** A real Kubernetes, but for its kubelets. */
export interface Cluster {
  readonly control: ControlPlane;
  /** As the cluster's administrator. */
  readonly api: ApiClient;
  readonly kubectl: Kubectl;
  /** Null in a cluster without nodes. */
  readonly kubelet: Kubelet | null;
  /** Null unless asked for. */
  readonly forwarder: Forwarder | null;
  /** Makes a namespace, and waits until pods can be made in it. */
  makeNamespace(name: string): Promise<void>;
  /** Pods of a namespace, by a label selector where one is given. */
  pods(namespace: string, selector?: string): Promise<readonly Pod[]>;
  /** Waits until so many pods are ready, none is left of others, and gives them. */
  readyPods(namespace: string, selector: string, count: number): Promise<readonly Pod[]>;
  /**
   * Who a ServiceAccount is to the API server, with a token of an hour: for programs that run outside of a pod. Through `forwarder`
   * where there is one.
   */
  accountAccess(namespace: string, account: string): Promise<ApiAccess>;
  /** The same as a kubeconfig file. */
  accountKubeconfig(namespace: string, account: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a cluster, which takes some seconds. */
export async function startCluster(request: ClusterRequest = {}): Promise<Cluster> {
  const { nodes = [{ name: 'node-0' }], crds = [], forwarded = false } = request;
  const folder = mkdtempSync(`${workFolder()}/cluster-`);
  const control = await startControlPlane(`${folder}/control-plane`);
  const api = new ApiClient(control.access);
  const kubectl = makeKubectl(control.access, `${folder}/kubectl`);
  const server = { host: bridgeAddress, port: Number(new URL(control.access.server).port) };
  const forwarder = forwarded ? await startForwarder(server) : null;
  const seen = forwarder === null ? server : { ...server, port: forwarder.port };
  const kubelet = nodes.length === 0 ? null : await startKubelet(api, `${folder}/pods`, nodes, seen);
  const proxy: ServiceProxy | null = nodes.length === 0 ? null : startServiceProxy(api);
  for (const file of crds) await kubectl.apply(readFileSync(file, 'utf8'));
  if (crds.length > 0) await kubectl.must(['wait', '--for=condition=Established', 'crd', '--all']);
  const podList = objectPath.bind(null, 'v1', 'pods');
  const cluster: Cluster = {
    control,
    api,
    kubectl,
    kubelet,
    forwarder,
    makeNamespace: async (name) => {
      await api.post(objectPath('v1', 'namespaces'), {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
      });
      // Pods are refused before it, or could not mount their token.
      await until(`the ServiceAccount of namespace ${name}`, 20_000, async () => {
        const account = await api.find<KubeObject>(objectPath('v1', 'serviceaccounts', name, 'default'));
        const root = await api.find<KubeObject>(objectPath('v1', 'configmaps', name, 'kube-root-ca.crt'));
        return account !== null && root !== null;
      });
    },
    pods: async (namespace, selector = '') => {
      const query = `?labelSelector=${encodeURIComponent(selector)}`;
      return (await api.get<KubeList<Pod>>(`${podList(namespace)}${query}`)).items;
    },
    readyPods: async (namespace, selector, count) => {
      let pods: readonly Pod[] = [];
      await until(`${count} ready pods of ${selector}`, 60_000, async () => {
        pods = await cluster.pods(namespace, selector);
        return pods.length === count && pods.every(isReady);
      });
      return pods;
    },
    accountAccess: async (namespace, account) => {
      const { status } = await api.post<{ status: { token: string } }>(
        `${objectPath('v1', 'serviceaccounts', namespace, account)}/token`,
        { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } },
      );
      return { ...control.access, server: `https://${seen.host}:${seen.port}`, token: status.token };
    },
    accountKubeconfig: async (namespace, account) => {
      const file = `${folder}/${namespace}-${account}.kubeconfig`;
      writeFileSync(file, kubeconfig(await cluster.accountAccess(namespace, account), namespace), {
        mode: 0o600,
      });
      return file;
    },
    stop: async () => {
      await proxy?.stop();
      await kubelet?.stop();
      await forwarder?.stop();
      api.close();
      await control.stop();
    },
  };
  return cluster;
}

/** Whether a pod is ready and stays. */
export function isReady(pod: Pod): boolean {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && pod.metadata.deletionTimestamp === undefined;
}

/** Waits until something is true. @param what names it in the error. */
export async function until(
  what: string,
  withinMs: number,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await wait(20);
  }
}
