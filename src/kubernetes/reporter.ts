import type { CanaryState } from '../compiler/canaries/canary-state.ts';
import type { WeightChange } from '../compiler/weight-changes.ts';
import type { Issue } from '../resources/issue.ts';
import { type ApiClient, ApiError, type Raw } from './api-client.ts';
import { statusPatch } from './canary-status.ts';
import { EventWriter, type ObjectEvent } from './events.ts';
import type { Identity } from './identity.ts';
import { Leadership, ReplicaLease } from './lease.ts';
import { type ClusterProblem, writeProblemOf } from './problems.ts';
import type { ObjectReference } from './source.ts';

/** What the gateway has to say of the cluster's objects. */
export interface ClusterReport {
  readonly issues: readonly Issue[];
  readonly canaries: readonly CanaryState[];
  /** Percent of the last minute's calls that a Canary's canary got; null = there were none. */
  readonly observedShare: (canary: CanaryState) => number | null;
}

/** What the reporter knows of the cluster's objects. */
export interface KnownObjects {
  /** By path, as issues name it: `Service quote.default`. */
  reference(path: string): ObjectReference | null;
  /** Status of a Canary or Mapping as the API server has it. */
  status(path: string): Raw | null;
  /** All objects of a kind, by path. */
  referencesOf(kind: string): Iterable<readonly [path: string, reference: ObjectReference]>;
}

/** Milliseconds between two looks for what has to be written. */
const TICK_MS = 1000;
/** Milliseconds between two writes of a Canary's observed share. */
const SHARE_MS = 10_000;

/**
 * Writes what the gateway has to say into the cluster: status of Canaries, Events. Of several replicas one writes, the leader; each tells
 * by its own Lease what it serves. Nothing is written that is there already.
 */
export class Reporter {
  readonly #client: ApiClient;
  readonly #known: KnownObjects;
  readonly #tellStatus: (error: ApiError | null) => void;
  readonly #leadership: Leadership;
  readonly #replica: ReplicaLease;
  readonly #events: EventWriter;
  /** Mappings have a status written, too (--mapping-status). */
  readonly #mappings: boolean;
  readonly #shareWrittenAt = new Map<string, number>();
  /** Events of issues that are so now, by key. */
  #told = new Map<string, ObjectEvent>();
  #report: ClusterReport | null = null;
  #issues: readonly Issue[] | null = null;
  #timer: NodeJS.Timeout | null = null;
  #writing = false;
  #wasLeader = false;

  constructor(
    client: ApiClient,
    identity: Identity,
    known: KnownObjects,
    mappings: boolean,
    onProblem: (what: string, problem: ClusterProblem | null) => void,
  ) {
    this.#mappings = mappings;
    this.#client = client;
    this.#known = known;
    const told = (what: string, rule: string) => {
      let refusals = 0;
      return (error: ApiError | null): void => {
        refusals = error?.status === 403 ? refusals + 1 : 0;
        // An API server that starts refuses everything for a moment.
        if (refusals !== 1) onProblem(what, error === null ? null : writeProblemOf(what, rule, error));
      };
    };
    this.#tellStatus = told(
      'statuses of Canaries',
      '{apiGroups: ["serin.dev"], resources: [canaries/status], verbs: [get, patch]}',
    );
    this.#leadership = new Leadership(
      client,
      identity,
      told(
        'Leases',
        '{apiGroups: ["coordination.k8s.io"], resources: [leases], verbs: [get, create, update, patch, delete]}',
      ),
    );
    this.#replica = new ReplicaLease(client, identity, '0');
    this.#events = new EventWriter(
      client,
      identity.name,
      told('Events', '{apiGroups: [""], resources: [events], verbs: [create]}'),
    );
  }

  /** Begins to write. */
  start(): void {
    this.#leadership.start();
    this.#replica.start();
    this.#timer = setInterval(() => void this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Ends it, and gives the Leases back. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#events.stop();
    await Promise.all([this.#leadership.stop(), this.#replica.stop()]);
  }

  /** Takes over what there is to say; what is new is written at once. */
  take(report: ClusterReport): void {
    this.#report = report;
    void this.#tick();
  }

  /** Tells of weights of Mappings that have changed. @param pathOf where a Mapping (`name.namespace`) stands. */
  weightsChanged(changes: readonly WeightChange[], pathOf: (mapping: string) => string | null): void {
    if (!this.#leadership.isHeld) return;
    for (const { mapping, reason, message } of changes) {
      const about = this.#known.reference(pathOf(mapping) ?? '');
      if (about !== null) this.#events.happened({ about, type: 'Normal', reason, message });
    }
  }

  /** All Canaries up to this resource version are served as they say. */
  applied(version: string): void {
    this.#replica.applied(version);
  }

  async #tick(): Promise<void> {
    const report = this.#report;
    if (report === null || this.#writing) return;
    const leads = this.#leadership.isHeld;
    if (leads && !this.#wasLeader) this.#issues = null;
    this.#wasLeader = leads;
    if (!leads) return;
    this.#writing = true;
    try {
      if (report.issues !== this.#issues) {
        this.#tellIssues(report.issues);
        if (this.#mappings) await this.#writeMappings(report.issues);
      }
      this.#issues = report.issues;
      for (const state of report.canaries) await this.#writeStatus(state, report.observedShare(state));
      this.#tellStatus(null);
    } catch (error) {
      if (error instanceof ApiError) this.#tellStatus(error);
    } finally {
      this.#writing = false;
    }
  }

  #tellIssues(issues: readonly Issue[]): void {
    const now = new Map<string, ObjectEvent>();
    for (const { severity, file, code, message, help } of issues) {
      if (severity !== 'error') continue;
      const about = this.#known.reference(file);
      if (about === null) continue;
      const text = help === null ? message : `${message}; ${help}`;
      const event: ObjectEvent = { about, type: 'Warning', reason: camel(code), message: text };
      now.set(`${about.uid} ${code} ${text}`, event);
      this.#events.once(event);
    }
    for (const [key, event] of this.#told) if (!now.has(key)) this.#events.forget(event);
    this.#told = now;
  }

  /** Status of Mappings as Emissary has it: Running, or Inactive with the reason. */
  async #writeMappings(issues: readonly Issue[]): Promise<void> {
    const errors = new Map(
      issues.filter(({ severity }) => severity === 'error').map((issue) => [issue.file, issue.message]),
    );
    for (const [path, about] of [...this.#known.referencesOf('Mapping')]) {
      const reason = errors.get(path) ?? '';
      const wanted = { state: reason === '' ? 'Running' : 'Inactive', reason };
      const current = this.#known.status(path);
      if (current?.state === wanted.state && (current.reason ?? '') === wanted.reason) continue;
      const { apiVersion, namespace, name } = about;
      await this.#patchStatus(`/apis/${apiVersion}/namespaces/${namespace}/mappings/${name}`, wanted);
    }
  }

  async #patchStatus(path: string, status: Raw): Promise<void> {
    try {
      await this.#client.call({
        method: 'PATCH',
        path: `${path}/status`,
        contentType: 'application/merge-patch+json',
        body: { status },
      });
    } catch (error) {
      // Gone meanwhile, or a kind without a status of its own.
      if ((error as ApiError).status !== 404) throw error;
    }
  }

  async #writeStatus(state: CanaryState, observed: number | null): Promise<void> {
    const path = `Canary ${state.name}.${state.namespace}`;
    const current = this.#known.status(path);
    const about = this.#known.reference(path);
    if (current === null || about === null) return;
    const at = performance.now();
    const due = at - (this.#shareWrittenAt.get(about.uid) ?? Number.NEGATIVE_INFINITY) > SHARE_MS;
    const patch = statusPatch(state, due ? observed : null, current, new Date());
    if (patch === null) return;
    if (patch.observedShare !== undefined) this.#shareWrittenAt.set(about.uid, at);
    await this.#patchStatus(
      `/apis/serin.dev/v1alpha1/namespaces/${state.namespace}/canaries/${state.name}`,
      patch,
    );
    this.#tellWeight(about, state, current);
  }

  #tellWeight(about: ObjectReference, state: CanaryState, before: Raw): void {
    if (typeof before.weight !== 'number' || before.weight === state.weight) return;
    const { overlay } = state;
    const by = overlay === null || overlay.by === '' ? '' : `, by ${overlay.by}`;
    const set =
      overlay === null ? 'WeightChanged' : camel(overlay.state === 'set' ? 'weight-changed' : overlay.state);
    const message = `the canary gets ${state.weight} % of the calls (before: ${before.weight} %)${by}`;
    this.#events.happened({ about, type: 'Normal', reason: set, message });
  }
}

function camel(code: string): string {
  return code.replace(/(?:^|-)(\w)/g, (_all, letter: string) => letter.toUpperCase());
}
