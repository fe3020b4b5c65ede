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
/** Milliseconds until a write that was refused is tried again. */
const AGAIN_MS = 15_000;
const CANARY_RULE = '{apiGroups: ["serin.dev"], resources: [canaries/status], verbs: [get, patch]}';
const MAPPING_RULE = '{apiGroups: ["getambassador.io"], resources: [mappings/status], verbs: [get, patch]}';

/** A write that was refused: when it is tried again, and what it means. */
interface Refused {
  readonly again: number;
  readonly problem: ClusterProblem | null;
}

/**
 * Writes what the gateway has to say into the cluster: status of Canaries, Events. Of several replicas one writes, the leader; each tells
 * by its own Lease what it serves. Nothing is written that is there already.
 */
export class Reporter {
  readonly #client: ApiClient;
  readonly #known: KnownObjects;
  readonly #onProblem: (what: string, problem: ClusterProblem | null) => void;
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
  /** Objects whose status was refused, by what is written and by path. */
  readonly #refused = new Map<string, Map<string, Refused>>();
  /** Some status of a Mapping could not be written. */
  #mappingsFailed = false;

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
    const refusals = new Map<string, number>();
    this.#onProblem = (what, problem) => {
      const times = problem?.code === 'kubernetes-forbidden' ? (refusals.get(what) ?? 0) + 1 : 0;
      refusals.set(what, times);
      // An API server that starts refuses everything for a moment.
      if (times !== 1) onProblem(what, problem);
    };
    const told = (what: string, rule: string) => (error: ApiError | null) => {
      this.#onProblem(what, error === null ? null : writeProblemOf(what, rule, error));
    };
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
    const news = report.issues !== this.#issues;
    this.#issues = report.issues;
    if (news) this.#tellIssues(report.issues);
    if (this.#mappings && (news || this.#mappingsFailed)) {
      const objects = new Map(this.#known.referencesOf('Mapping'));
      const errors = errorsOf(report.issues);
      const written = await this.#writeEach('statuses of Mappings', MAPPING_RULE, objects, (about, path) =>
        this.#writeMapping(path, about, errors),
      );
      this.#mappingsFailed = !written;
    }
    const states = new Map(
      report.canaries.map((state) => [`Canary ${state.name}.${state.namespace}`, state]),
    );
    await this.#writeEach('statuses of Canaries', CANARY_RULE, states, (state, path) =>
      this.#writeStatus(path, state, report.observedShare(state)),
    );
    this.#writing = false;
  }

  /**
   * Writes of one object after another; that one is refused keeps none of the others from being written, and it is tried again after a
   * while. False = not all were written.
   */
  async #writeEach<T>(
    what: string,
    rule: string,
    objects: ReadonlyMap<string, T>,
    write: (object: T, path: string) => Promise<void>,
  ): Promise<boolean> {
    let problem: ClusterProblem | null = null;
    const before = this.#refused.get(what) ?? new Map<string, Refused>();
    const refused = new Map<string, Refused>();
    this.#refused.set(what, refused);
    for (const [path, object] of objects) {
      const last = before.get(path);
      try {
        if (last === undefined || performance.now() > last.again) await write(object, path);
        else {
          refused.set(path, last);
          problem ??= last.problem;
        }
      } catch (error) {
        const failure =
          error instanceof ApiError
            ? error
            : new ApiError(500, '', `this is a fault of serin: ${String(error)}`);
        const found = writeProblemOf(what, rule, failure);
        problem ??= found;
        refused.set(path, { again: performance.now() + AGAIN_MS, problem: found });
        // Where nothing can be written at all one try tells it; the next one is soon.
        if (!isOfOneObject(failure)) {
          refused.delete(path);
          this.#onProblem(what, problem);
          return false;
        }
      }
    }
    this.#onProblem(what, problem);
    return refused.size === 0;
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

  /** Status of a Mapping as Emissary has it: Running, or Inactive with the reason. */
  async #writeMapping(
    path: string,
    { apiVersion, namespace, name }: ObjectReference,
    errors: ReadonlyMap<string, string>,
  ): Promise<void> {
    const reason = errors.get(path) ?? '';
    const wanted = { state: reason === '' ? 'Running' : 'Inactive', reason };
    const current = this.#known.status(path);
    if (current?.state === wanted.state && (current.reason ?? '') === wanted.reason) return;
    await this.#patchStatus(`/apis/${apiVersion}/namespaces/${namespace}/mappings/${name}`, wanted);
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

  async #writeStatus(path: string, state: CanaryState, observed: number | null): Promise<void> {
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

/** The error of each object, by path. */
function errorsOf(issues: readonly Issue[]): ReadonlyMap<string, string> {
  const errors = issues.filter(({ severity }) => severity === 'error');
  return new Map(errors.map((issue) => [issue.file, issue.message]));
}

/** True for a failure that says nothing of other objects: what is written is refused, or cannot be converted. */
function isOfOneObject({ status }: ApiError): boolean {
  return status === 400 || status === 409 || status === 422 || status === 500;
}

function camel(code: string): string {
  return code.replace(/(?:^|-)(\w)/g, (_all, letter: string) => letter.toUpperCase());
}
