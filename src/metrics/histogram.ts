/** Linear buckets in each power of two: a bucket is at most 1/64 wide, its middle within 0.8 % of every value in it. */
const SUB = 64;
const SUB_BITS = 6;
/** Blocks of {@link SUB} buckets: one for 0 to 63 µs, then one for each power of two up to 2^47 µs (4.5 years). */
const BLOCKS = 42;
const LARGEST = 2 ** 47 - 1;

/** Part of a histogram as it travels between processes: cumulative values of the blocks that changed. */
export interface HistogramDump {
  readonly count: number;
  /** Sum of all values in microseconds. */
  readonly sum: number;
  readonly blocks: readonly { readonly index: number; readonly buckets: Float64Array }[];
}

/**
 * Log-linear histogram of whole microseconds, relative error at most 1 % (exact below 64 µs). Mergeable. `record` allocates
 * only when a power of two is hit for the first time; measured at 4 to 6 ns.
 */
export class LogLinearHistogram {
  /** How many values were recorded. */
  count = 0;
  /** Their exact sum, in microseconds. */
  sum = 0;
  readonly #blocks: (Float64Array | undefined)[] = new Array(BLOCKS).fill(undefined);
  readonly #changed = new Uint8Array(BLOCKS);

  /** Adds one value in microseconds; fractions are cut off, less than 0 counts as 0. */
  record(us: number): void {
    const value = us > 0 ? (us < 0x7fffffff ? us | 0 : Math.min(Math.floor(us), LARGEST)) : 0;
    const at = bucketOf(value);
    const index = at >> SUB_BITS;
    let block = this.#blocks[index];
    if (block === undefined) {
      block = new Float64Array(SUB);
      this.#blocks[index] = block;
    }
    block[at & (SUB - 1)]!++;
    this.#changed[index] = 1;
    this.count++;
    this.sum += value;
  }

  /**
   * The value in microseconds below which the share `q` (0 to 1) of all values lies: the middle of the bucket that holds the
   * value of that rank, never something between two buckets. NaN when empty.
   */
  quantile(q: number): number {
    if (this.count === 0) return Number.NaN;
    const rank = Math.max(1, Math.ceil(Math.min(1, Math.max(0, q)) * this.count));
    let seen = 0;
    for (let i = 0; i < BLOCKS; i++) {
      const block = this.#blocks[i];
      if (block === undefined) continue;
      for (let j = 0; j < SUB; j++) {
        seen += block[j]!;
        if (seen >= rank) return middleOf(i, j);
      }
    }
    return Number.NaN;
  }

  /**
   * How many values lie at or below each of the bounds (ascending, microseconds): the classic `le` buckets. A bucket that
   * a bound cuts belongs to the side on which its middle lies, so a count may be off by the values within 0.8 % of the bound.
   */
  cumulative(bounds: readonly number[]): number[] {
    const out: number[] = [];
    let seen = 0;
    let next = 0;
    for (let i = 0; i < BLOCKS && next < bounds.length; i++) {
      const block = this.#blocks[i];
      if (block === undefined) continue;
      for (let j = 0; j < SUB; j++) {
        if (block[j] === 0) continue;
        const middle = middleOf(i, j);
        while (next < bounds.length && middle > bounds[next]!) {
          out.push(seen);
          next++;
        }
        seen += block[j]!;
      }
    }
    while (out.length < bounds.length) out.push(seen);
    return out;
  }

  /** Adds everything that another one has recorded. */
  merge(other: LogLinearHistogram): void {
    this.count += other.count;
    this.sum += other.sum;
    for (let i = 0; i < BLOCKS; i++) {
      const from = other.#blocks[i];
      if (from === undefined) continue;
      const to = this.#blocks[i] ?? new Float64Array(SUB);
      for (let j = 0; j < SUB; j++) to[j]! += from[j]!;
      this.#blocks[i] = to;
      this.#changed[i] = 1;
    }
  }

  /** What changed since the last dump, as cumulative values; `all`: everything. The arrays are copies. */
  dump(all = false): HistogramDump {
    const blocks: { index: number; buckets: Float64Array }[] = [];
    for (let i = 0; i < BLOCKS; i++) {
      const block = this.#blocks[i];
      if (block === undefined || (!all && this.#changed[i] === 0)) continue;
      this.#changed[i] = 0;
      blocks.push({ index: i, buckets: block.slice() });
    }
    return { count: this.count, sum: this.sum, blocks };
  }

  /** Takes over a dump: its blocks replace those of the same index. */
  load(dump: HistogramDump): void {
    this.count = dump.count;
    this.sum = dump.sum;
    for (const { index, buckets } of dump.blocks) this.#blocks[index] = buckets;
  }
}

/** Number of the bucket that holds a whole number of microseconds. */
function bucketOf(us: number): number {
  if (us < SUB) return us;
  if (us <= 0x7fffffff) {
    const exponent = 31 - Math.clz32(us);
    return (exponent - SUB_BITS + 1) * SUB + (us >> (exponent - SUB_BITS)) - SUB;
  }
  const exponent = 47 - Math.clz32(Math.floor(us / 65_536));
  return (exponent - SUB_BITS + 1) * SUB + Math.floor(us / 2 ** (exponent - SUB_BITS)) - SUB;
}

/** Middle of a bucket, in microseconds. */
function middleOf(block: number, bucket: number): number {
  if (block === 0) return bucket;
  const width = 2 ** (block - 1);
  return (SUB + bucket) * width + (width - 1) / 2;
}
