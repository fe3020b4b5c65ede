import { readMeta } from '../resources/kubernetes/kinds.ts';
import { type Canary, type CanaryOverlay, parseCanary } from '../resources/serin/canary.ts';
import { overlayAfter, overlayInForce, revisionOf, type SplitCommand } from '../resources/serin/overlay.ts';
import { type ApiClient, ApiError, type Raw } from './api-client.ts';
import { asMap } from './kinds.ts';
import { isAtLeast, liveReplicas } from './lease.ts';

/** What a command has written. */
export interface CanaryChange {
  readonly name: string;
  readonly namespace: string;
  /** Percent before and now. */
  readonly before: number;
  readonly weight: number;
  readonly overlay: CanaryOverlay | null;
  /** Resource version of what was written. */
  readonly version: string;
}

/** Who serves what was written. */
export interface Applied {
  /** Replicas that serve it, and those that do not yet. */
  readonly by: readonly string[];
  readonly waiting: readonly string[];
  /** Why that cannot be seen; null = it can. */
  readonly unseen: string | null;
}

/** A Canary with its status, as the API server has it. */
export interface CanaryObject {
  readonly canary: Canary;
  readonly status: Raw;
  readonly version: string;
}

const path = (namespace: string | null, name = ''): string => {
  const where = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `/apis/serin.dev/v1alpha1${where}/canaries${name === '' ? '' : `/${encodeURIComponent(name)}`}`;
};

/** Tries of a write that somebody else's write has come in between. */
const MOST_TRIES = 5;
/** Milliseconds between two looks at what the replicas serve. */
const LOOK_MS = 100;

/** The Canaries of a namespace, or of all. Rejects with an {@link ApiError}. */
export async function listCanaries(client: ApiClient, namespace: string | null): Promise<CanaryObject[]> {
  const { items } = await client.call<{ items: readonly Raw[] }>({ path: path(namespace) });
  return items.flatMap((item) => readCanary(item) ?? []);
}

/**
 * Obeys a command by one write of status.overlay; with another's write in between it looks again. Rejects with an {@link ApiError}, or with a
 * sentence for a Canary that is not there or is broken.
 * @param written `name` or `name.namespace`. @param namespace where a name alone is looked for.
 */
export async function commandCanary(
  client: ApiClient,
  written: string,
  namespace: string,
  command: SplitCommand,
  by: string,
): Promise<CanaryChange> {
  const [short, space] = await findCanary(client, written.replace(/^canary\//i, ''), namespace);
  for (let tries = 1; ; tries++) {
    const { canary, version } = await getCanary(client, short, space);
    const revision = revisionOf(canary);
    const weight = overlayInForce(canary.overlay, revision)?.weight ?? canary.weight;
    const overlay = overlayAfter(command, { weight, revision }, by, new Date().toISOString());
    try {
      const object = await client.call<Raw>({
        method: 'PATCH',
        path: `${path(space, short)}/status`,
        contentType: 'application/merge-patch+json',
        // With the version, so that what was read is what is changed.
        body: { metadata: { resourceVersion: version }, status: { overlay } },
      });
      return {
        name: short,
        namespace: space,
        before: weight,
        weight: overlay?.weight ?? canary.weight,
        overlay,
        version: String(asMap(object.metadata).resourceVersion),
      };
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 409) || tries >= MOST_TRIES) throw error;
    }
  }
}

/**
 * Waits until every replica that is there serves a version. Resolves also when the time is over: then somebody is still waiting; and where
 * it cannot be seen, for not everybody who may write a Canary may read the gateway's Leases.
 * @param timeoutMs milliseconds.
 */
export async function waitApplied(client: ApiClient, version: string, timeoutMs: number): Promise<Applied> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    let replicas: Awaited<ReturnType<typeof liveReplicas>>;
    try {
      replicas = await liveReplicas(client, null);
    } catch (error) {
      // What was written is written, whoever is reached now.
      if (performance.now() < end && (error as ApiError).status !== 403) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        continue;
      }
      return { by: [], waiting: [], unseen: (error as Error).message };
    }
    const by = replicas.filter(({ applied }) => isAtLeast(applied, version)).map(({ name }) => name);
    const waiting = replicas.filter(({ applied }) => !isAtLeast(applied, version)).map(({ name }) => name);
    if (waiting.length === 0 || performance.now() > end) return { by, waiting, unseen: null };
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

type Place = readonly [name: string, namespace: string];

/** Which Canary is meant: names can have dots, so `web.v2` is one of that name, or `web` in the namespace `v2`. */
async function findCanary(client: ApiClient, written: string, namespace: string): Promise<Place> {
  const dot = written.lastIndexOf('.');
  const here: Place = [written, namespace];
  if (dot === -1) return here;
  const there: Place = [written.slice(0, dot), written.slice(dot + 1)];
  const [isThere, isHere] = await Promise.all(
    [there, here].map(async ([name, space]) => {
      try {
        await client.call({ path: path(space, name) });
        return true;
      } catch (error) {
        // Not there, or not to be seen; if nothing is found the command itself says why.
        if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return false;
        throw error;
      }
    }),
  );
  if (isThere && isHere)
    throw new Error(
      `"${written}" can mean ${there[0]} in the namespace ${there[1]} and ${written} in ${namespace}; write ${there[0]} -n ${there[1]}, or ${written}.${namespace}`,
    );
  return isHere ? here : there;
}

async function getCanary(client: ApiClient, name: string, namespace: string): Promise<CanaryObject> {
  let object: Raw;
  try {
    object = await client.call<Raw>({ path: path(namespace, name) });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    if (/could not find the requested resource|page not found/.test(error.message))
      throw new Error(
        'this cluster does not know the kind Canary; apply deploy/crds/canaries.serin.dev.yaml first',
      );
    throw new Error(
      `there is no Canary ${name} in the namespace ${namespace}; kubectl get canaries -A lists all`,
    );
  }
  const read = readCanary(object);
  if (read === null) throw new Error(`the Canary ${name}.${namespace} is broken; its Events say how`);
  return read;
}

function readCanary(object: Raw): CanaryObject | null {
  const { resource } = parseCanary(object, readMeta(object));
  if (resource === null) return null;
  return {
    canary: resource,
    status: asMap(object.status),
    version: String(asMap(object.metadata).resourceVersion),
  };
}
