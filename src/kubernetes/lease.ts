import type { ApiClient, ApiError } from './api-client.ts';
import type { Identity } from './identity.ts';

/** A Lease as the API has it. */
interface LeaseObject {
  readonly metadata: { readonly resourceVersion?: string; readonly [field: string]: unknown };
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number;
    readonly renewTime?: string | null;
    readonly leaseTransitions?: number;
    readonly acquireTime?: string | null;
  };
}

/** Seconds for which a Lease is good without being renewed. */
const DURATION_S = 15;
/** Milliseconds between two renewals, or two looks at a Lease of another. */
const RENEW_MS = 4000;
/** Name of the Lease that says who writes. */
export const LEADER_LEASE = 'serin-leader';
/** Label of the Leases by which replicas say what they serve. */
export const REPLICA_LABEL = 'serin.dev/replica';
/** Their annotation: the resource version of Canaries up to which everything is served. */
export const APPLIED_ANNOTATION = 'serin.dev/applied';

const path = (namespace: string, name = ''): string =>
  `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases${name === '' ? '' : `/${name}`}`;

/** A time as Leases have it, with microseconds. */
function microTime(at: Date): string {
  return at.toISOString().replace('Z', '000Z');
}

/**
 * Who writes: of all gateways with the same Lease one at a time is the leader. By clocks of its own: another's Lease has run out when
 * it has not changed for its duration as seen from here (client-go, leaderelection).
 */
export class Leadership {
  readonly #client: ApiClient;
  readonly #identity: Identity;
  readonly #onProblem: (error: ApiError | null) => void;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;
  /** When the Lease was last renewed by us, monotonic; null = we do not hold it. */
  #heldAt: number | null = null;
  /** The Lease of another as it was last seen to change. */
  #seen = { renewTime: '', at: 0 };

  constructor(client: ApiClient, identity: Identity, onProblem: (error: ApiError | null) => void) {
    this.#client = client;
    this.#identity = identity;
    this.#onProblem = onProblem;
  }

  /** True while this one may write. */
  get isHeld(): boolean {
    return this.#heldAt !== null && performance.now() - this.#heldAt < DURATION_S * 1000 * 0.8;
  }

  /** Tries to become the leader, and to stay it. */
  start(): void {
    void this.#turn();
  }

  /** Gives the Lease back, so that another need not wait for it to run out. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#heldAt === null) return;
    this.#heldAt = null;
    const { namespace } = this.#identity;
    try {
      const lease = await this.#client.call<LeaseObject>({ path: path(namespace, LEADER_LEASE) });
      if (lease.spec?.holderIdentity === this.#identity.name)
        await this.#put(lease, { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 });
    } catch {
      // It runs out by itself.
    }
  }

  async #turn(): Promise<void> {
    try {
      await this.#tryOnce();
      this.#onProblem(null);
    } catch (error) {
      // Somebody was quicker: nothing is wrong.
      if ((error as ApiError).status !== 409) this.#onProblem(error as ApiError);
      if ((error as ApiError).status !== 0) this.#heldAt = null;
    }
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#turn(), RENEW_MS * (0.8 + Math.random() * 0.4));
    this.#timer.unref();
  }

  async #tryOnce(): Promise<void> {
    const { namespace, name } = this.#identity;
    const began = performance.now();
    const now = microTime(new Date());
    let lease: LeaseObject;
    try {
      lease = await this.#client.call<LeaseObject>({ path: path(namespace, LEADER_LEASE) });
    } catch (error) {
      if ((error as ApiError).status !== 404) throw error;
      const spec = {
        holderIdentity: name,
        leaseDurationSeconds: DURATION_S,
        acquireTime: now,
        renewTime: now,
        leaseTransitions: 0,
      };
      const metadata = { name: LEADER_LEASE, namespace };
      const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
      await this.#client.call({ method: 'POST', path: path(namespace), body });
      this.#heldAt = began;
      return;
    }
    const spec = lease.spec ?? {};
    const mine = spec.holderIdentity === name;
    if (!mine && !this.#hasRunOut(spec)) {
      this.#heldAt = null;
      return;
    }
    await this.#put(lease, {
      ...spec,
      holderIdentity: name,
      leaseDurationSeconds: DURATION_S,
      renewTime: now,
      ...(mine ? {} : { acquireTime: now, leaseTransitions: (spec.leaseTransitions ?? 0) + 1 }),
    });
    this.#heldAt = began;
  }

  #hasRunOut({ holderIdentity, renewTime, leaseDurationSeconds }: NonNullable<LeaseObject['spec']>): boolean {
    if (!holderIdentity) return true;
    const now = performance.now();
    if (renewTime !== this.#seen.renewTime) {
      this.#seen = { renewTime: renewTime ?? '', at: now };
      return false;
    }
    return now - this.#seen.at > (leaseDurationSeconds ?? DURATION_S) * 1000;
  }

  /** With the version that was read: of two that write at once one gets 409. */
  async #put(lease: LeaseObject, spec: LeaseObject['spec']): Promise<void> {
    const body = { ...lease, apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec };
    await this.#client.call({ method: 'PUT', path: path(this.#identity.namespace, LEADER_LEASE), body });
  }
}

/** The Lease by which a replica says that it is there, and up to which version of the Canaries it serves everything. */
export class ReplicaLease {
  readonly #client: ApiClient;
  readonly #identity: Identity;
  readonly #name: string;
  #applied: string;
  #timer: NodeJS.Timeout | null = null;
  #started = false;
  #writing = false;
  #again = false;
  #stopped = false;

  /** @param applied resource version up to which everything is served already. */
  constructor(client: ApiClient, identity: Identity, applied: string) {
    this.#client = client;
    this.#identity = identity;
    this.#name = `serin-replica-${identity.name}`.slice(0, 253);
    this.#applied = applied;
  }

  /** Begins to tell. */
  start(): void {
    this.#started = true;
    void this.#write();
  }

  /** Everything up to this version is served by all workers. */
  applied(version: string): void {
    if (version === this.#applied) return;
    this.#applied = version;
    if (this.#started) void this.#write();
  }

  /** Takes it back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#client
      .call({ method: 'DELETE', path: path(this.#identity.namespace, this.#name) })
      .catch(() => undefined);
  }

  async #write(): Promise<void> {
    if (this.#writing) {
      this.#again = true;
      return;
    }
    this.#writing = true;
    do {
      this.#again = false;
      await this.#put().catch(() => undefined);
    } while (this.#again && !this.#stopped);
    this.#writing = false;
    if (this.#stopped) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#write(), RENEW_MS);
    this.#timer.unref();
  }

  /** Server-side apply: made where it is missing, and nobody else's fields are touched. */
  async #put(): Promise<void> {
    const { namespace, name, pod } = this.#identity;
    const owner = pod === null ? {} : { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', ...pod }] };
    await this.#client.call({
      method: 'PATCH',
      path: `${path(namespace, this.#name)}?fieldManager=serin&force=true`,
      contentType: 'application/apply-patch+yaml',
      body: {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: {
          name: this.#name,
          namespace,
          labels: { [REPLICA_LABEL]: 'true' },
          annotations: { [APPLIED_ANNOTATION]: this.#applied },
          ...owner,
        },
        spec: { holderIdentity: name, leaseDurationSeconds: DURATION_S, renewTime: microTime(new Date()) },
      },
    });
  }
}

/** A replica that is there, and what it serves. */
export interface ReplicaState {
  readonly name: string;
  readonly applied: string;
}

/** The replicas whose Leases have not run out, in all namespaces that may be read, or in one. */
export async function liveReplicas(client: ApiClient, namespace: string | null): Promise<ReplicaState[]> {
  const selector = `labelSelector=${encodeURIComponent(`${REPLICA_LABEL}=true`)}`;
  const where = namespace === null ? '/apis/coordination.k8s.io/v1/leases' : path(namespace);
  const { body, nowMs } = await client.exchange<{ items: readonly LeaseObject[] }>({
    path: `${where}?${selector}`,
  });
  // By the cluster's clock: that of whoever asks can be wrong by more than a Lease lasts.
  const now = Number.isNaN(nowMs) ? Date.now() : nowMs;
  return (body?.items ?? []).flatMap(({ metadata, spec }) => {
    const age = now - Date.parse(spec?.renewTime ?? '');
    if (!(age < (spec?.leaseDurationSeconds ?? DURATION_S) * 1000)) return [];
    const annotations = (metadata.annotations ?? {}) as Record<string, string>;
    return [{ name: spec?.holderIdentity ?? '', applied: annotations[APPLIED_ANNOTATION] ?? '0' }];
  });
}

/** Resource versions are compared as numbers (Kubernetes 1.35, KEP-5504). */
export function isAtLeast(version: string, wanted: string): boolean {
  return /^\d+$/.test(version) && /^\d+$/.test(wanted) && BigInt(version) >= BigInt(wanted);
}
