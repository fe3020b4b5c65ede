import { CallCount } from './catalog.ts';
import { LogLinearHistogram } from './histogram.ts';
import type { Packer } from './packing.ts';

/** The labels of a series; all of them come from the configuration. */
export interface SeriesLabels {
  /** Set where TCP connections are counted in place of calls. It tells the metrics apart and is no label. */
  readonly transport?: 'tcp';
  readonly route: string;
  readonly service: string;
  readonly version: string;
  readonly role: string;
}

/** One text for equal labels, and for no others. */
export function seriesKey({ transport, route, service, version, role }: SeriesLabels): string {
  return `${transport ?? ''}\n${route}\n${service}\n${version}\n${role}`;
}

/** Outcomes kept apart in one series; a backend that invents status codes fills no more than these. */
const MAX_OUTCOMES = 64;
/** `grpcStatus` of a status that is no number from 0 to 16. */
export const OTHER_GRPC_STATUS = 17;

/** Joins status, gRPC status (-1 to 17) and reason into one integer; a status outside 100 to 599 becomes 0 ("other"). */
export function outcomeKey(code: number, grpcStatus: number, reason: number): number {
  const status = code >= 100 && code < 600 ? code : 0;
  const grpc = grpcStatus >= -1 && grpcStatus <= 16 ? grpcStatus : OTHER_GRPC_STATUS;
  return (status << 10) | ((grpc + 1) << 5) | reason;
}

/** Takes {@link outcomeKey} apart again. */
export function splitOutcome(key: number): { code: number; grpcStatus: number; reason: number } {
  return { code: key >> 10, grpcStatus: ((key >> 5) & 31) - 1, reason: key & 31 };
}

/**
 * What one worker has counted for one route, service, version and role. Made once and kept by the caller; `begin`, `end` and
 * `firstByte` touch typed arrays and numbers only.
 */
export class CallSeries {
  readonly labels: SeriesLabels;
  /** By `CallCount`; incremented directly by the caller, who then sets {@link dirty} (`end` does it anyway). */
  readonly counts = new Float64Array(Object.keys(CallCount).length);
  /** True when something was counted since the last report. */
  dirty = false;
  #started = 0;
  #ended = 0;
  #used = 0;
  #outcomes = new Int32Array(4);
  #outcomeCounts = new Float64Array(4);
  readonly #duration = new LogLinearHistogram();
  readonly #firstByte = new LogLinearHistogram();

  constructor(labels: SeriesLabels) {
    this.labels = labels;
  }

  /** Calls that have begun and not ended. */
  get inFlight(): number {
    return this.#started - this.#ended;
  }

  /** A call begins. Every `begin` needs one `end`. */
  begin(): void {
    this.#started++;
    this.dirty = true;
  }

  /** A call that had begun goes on elsewhere, and ends there. */
  withdraw(): void {
    this.#started--;
    this.dirty = true;
  }

  /**
   * A call has ended.
   * @param code HTTP status; 0 when none was sent.
   * @param grpcStatus -1 for plain HTTP, 0 to 16, or 17 for any other.
   * @param reason index in the catalogue's `reasons`; 0 = none.
   * @param durationUs microseconds since `begin`.
   */
  end(code: number, grpcStatus: number, reason: number, durationUs: number): void {
    this.#ended++;
    this.dirty = true;
    this.#duration.record(durationUs);
    const key = outcomeKey(code, grpcStatus, reason);
    const outcomes = this.#outcomes;
    for (let i = 0; i < this.#used; i++) {
      if (outcomes[i] === key) {
        this.#outcomeCounts[i]!++;
        return;
      }
    }
    this.#addOutcome(key);
  }

  /** The head of the answer is there: microseconds since `begin`. */
  firstByte(us: number): void {
    this.#firstByte.record(us);
  }

  /** Writes cumulative values; of the histograms the buckets that changed since the last time, or all of them. */
  pack(into: Packer, all: boolean): void {
    this.dirty = false;
    into.put(this.#started);
    into.put(this.#ended);
    into.put(this.#used);
    for (let i = 0; i < this.#used; i++) {
      into.put(this.#outcomes[i]!);
      into.put(this.#outcomeCounts[i]!);
    }
    for (const count of this.counts) into.put(count);
    this.#duration.pack(into, all);
    this.#firstByte.pack(into, all);
  }

  #addOutcome(key: number): void {
    if (this.#used === MAX_OUTCOMES) {
      // The last place is the common one: outcomeKey(0, ...) reads "other" in every label.
      this.#outcomeCounts[MAX_OUTCOMES - 1]!++;
      return;
    }
    if (this.#used === this.#outcomes.length) {
      const size = this.#used * 2;
      this.#outcomes = grownInt(this.#outcomes, size);
      this.#outcomeCounts = grownFloat(this.#outcomeCounts, size);
    }
    const last = this.#used === MAX_OUTCOMES - 1;
    this.#outcomes[this.#used] = last ? outcomeKey(0, OTHER_GRPC_STATUS, 0) : key;
    this.#outcomeCounts[this.#used] = 1;
    this.#used++;
  }
}

function grownInt(from: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(size);
  to.set(from);
  return to;
}

function grownFloat(from: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const to = new Float64Array(size);
  to.set(from);
  return to;
}
