import { createHash } from 'node:crypto';
import { type ApiClient, ApiError } from './api-client.ts';
import { jittered } from './jitter.ts';
import type { ObjectReference } from './source.ts';

/** Something that happened to an object, for people who look at it. */
export interface ObjectEvent {
  readonly about: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  /** One word, CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** Longest message that the API takes. */
const MOST_MESSAGE = 1024;
/** Events that wait to be written; more are dropped, for the log has them all. */
const MOST_WAITING = 500;
/** Milliseconds between two writes: a thousand broken objects must not be a load for the API server. */
const PACE_MS = 100;

/** Milliseconds until a write that was refused, or found nobody, is tried again: four times as long each time, jittered. */
const AGAIN_MS = 1000;
const MOST_AGAIN_MS = 15_000;

/** Writes Kubernetes Events, slowly, each once: what was written before, also by another replica, is not written again. */
export class EventWriter {
  readonly #client: ApiClient;
  readonly #reporter: string;
  readonly #onProblem: (error: ApiError | null) => void;
  readonly #waiting: ObjectEvent[] = [];
  readonly #written = new Set<string>();
  #busy = false;
  #stopped = false;
  #pause: NodeJS.Timeout | null = null;

  constructor(client: ApiClient, reporter: string, onProblem: (error: ApiError | null) => void) {
    this.#client = client;
    this.#reporter = reporter;
    this.#onProblem = onProblem;
  }

  /** Tells of something that is so (an error): once for an object and message. */
  once(event: ObjectEvent): void {
    const key = nameOfEvent(event, '');
    if (this.#written.has(key)) return;
    this.#written.add(key);
    this.#push(event);
  }

  /** Something that is so no longer: when it is so again it is told again. */
  forget(event: ObjectEvent): void {
    this.#written.delete(nameOfEvent(event, ''));
  }

  /** Tells of something that has happened. */
  happened(event: ObjectEvent): void {
    this.#push(event);
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting.length = 0;
    if (this.#pause !== null) clearTimeout(this.#pause);
  }

  #push(event: ObjectEvent): void {
    if (this.#waiting.length >= MOST_WAITING || this.#stopped) return;
    this.#waiting.push(event);
    if (!this.#busy) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    let againMs = AGAIN_MS;
    for (let event = this.#waiting[0]; event !== undefined; event = this.#waiting[0]) {
      const done = await this.#isDone(event);
      if (this.#stopped) return;
      if (done) this.#waiting.shift();
      await this.#wait(done ? PACE_MS : jittered(againMs));
      againMs = done ? AGAIN_MS : Math.min(MOST_AGAIN_MS, againMs * 4);
    }
    this.#busy = false;
  }

  /** Writes it; false = it is to be tried again. */
  async #isDone(event: ObjectEvent): Promise<boolean> {
    try {
      await this.#write(event);
      this.#onProblem(null);
      return true;
    } catch (error) {
      const { status } = error as ApiError;
      // It is there already, or what it is about has gone with its namespace.
      if (status === 409 || status === 404 || !(error instanceof ApiError)) return true;
      this.#onProblem(error);
      // One that is refused for what it says will not be taken later.
      return status === 400 || status === 422;
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#pause = setTimeout(resolve, ms);
      this.#pause.unref();
    });
  }

  async #write(event: ObjectEvent): Promise<void> {
    const { about, type, reason, message } = event;
    const now = new Date();
    // What is so has one name for ever, so that a restart does not tell it again; what happens has its moment in it.
    const moment = type === 'Warning' ? '' : now.toISOString();
    const namespace = about.namespace === '' ? 'default' : about.namespace;
    const { apiVersion, kind, name, uid, resourceVersion } = about;
    await this.#client.call({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/events`,
      body: {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: nameOfEvent(event, moment), namespace },
        involvedObject: { apiVersion, kind, name, namespace: about.namespace, uid, resourceVersion },
        type,
        reason,
        message: message.length > MOST_MESSAGE ? `${message.slice(0, MOST_MESSAGE - 1)}…` : message,
        source: { component: 'serin' },
        reportingComponent: 'serin.dev/gateway',
        reportingInstance: this.#reporter.slice(0, 128),
        firstTimestamp: now.toISOString(),
        lastTimestamp: now.toISOString(),
        count: 1,
      },
    });
  }
}

function nameOfEvent({ about, reason, message }: ObjectEvent, moment: string): string {
  const hash = createHash('sha256').update(`${about.uid} ${reason} ${message} ${moment}`).digest('hex');
  // A long name may be cut behind a dot, and two in a row are no name.
  return `${about.name.slice(0, 200).replace(/[.-]+$/, '')}.${hash.slice(0, 16)}`;
}
