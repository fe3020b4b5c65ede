import type { ToControl } from './messages.ts';

/** Reports of a worker after which it is asked for everything again, so that what is kept stays small. */
const MOST_REPORTS = 100;

/**
 * What workers report and how they end while there is no control process: the next one is told it in the same order, so a worker
 * that dies in between takes nothing with it. Reports are kept as the bytes that they are.
 */
export class KeptReports {
  readonly #reports = new Map<number, Uint8Array[]>();
  readonly #ends = new Map<number, boolean>();

  /** Keeps a report; true when the worker should be asked for all it has. */
  add(worker: number, payload: Uint8Array, kind: 'all' | 'changed'): boolean {
    const reports = kind === 'all' ? [] : (this.#reports.get(worker) ?? []);
    reports.push(payload);
    this.#reports.set(worker, reports);
    return reports.length % MOST_REPORTS === 0;
  }

  /** A worker has ended. */
  ended(worker: number, expected: boolean): void {
    this.#ends.set(worker, expected);
  }

  /** Everything for a control process that begins, where these workers live; nothing is kept any more. */
  take(living: Iterable<number>): ToControl[] {
    const messages: ToControl[] = [];
    for (const worker of new Set([...this.#ends.keys(), ...living])) {
      messages.push({ type: 'worker-began', worker });
      for (const payload of this.#reports.get(worker) ?? [])
        messages.push({ type: 'from-worker', worker, payload });
      const expected = this.#ends.get(worker);
      if (expected !== undefined) messages.push({ type: 'worker-ended', worker, expected });
    }
    this.#reports.clear();
    this.#ends.clear();
    return messages;
  }
}
