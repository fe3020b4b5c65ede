/** What a {@link StreamTable} holds. */
export interface Numbered {
  readonly id: number;
}

const firstSlots = 8;
const mostSlots = 4096;

/**
 * Open streams by number. Numbers grow by two and most streams are short, so a ring indexed by number finds
 * nearly all; one that outlives a whole turn of the ring keeps its place, and whoever meets it there goes into
 * a Map. (A Map alone costs some 130 ns and 200 bytes of garbage a call.)
 */
export class StreamTable<T extends Numbered> {
  size = 0;
  #slots: (T | null)[] = [];
  #mask = -1;
  #overflow: Map<number, T> | null = null;

  get(id: number): T | undefined {
    const found = this.#mask < 0 ? null : this.#slots[(id >>> 1) & this.#mask]!;
    if (found !== null && found.id === id) return found;
    return this.#overflow === null ? undefined : this.#overflow.get(id);
  }

  /** Adds a stream whose number is not in it. */
  add(stream: T): void {
    if (this.size > this.#mask && this.#mask + 1 < mostSlots) this.#grow();
    const at = (stream.id >>> 1) & this.#mask;
    if (this.#slots[at] === null) this.#slots[at] = stream;
    else {
      this.#overflow ??= new Map();
      this.#overflow.set(stream.id, stream);
    }
    this.size++;
  }

  delete(id: number): void {
    if (this.#mask < 0) return;
    const at = (id >>> 1) & this.#mask;
    const found = this.#slots[at]!;
    if (found !== null && found.id === id) {
      this.#slots[at] = null;
      this.size--;
    } else if (this.#overflow?.delete(id) === true) this.size--;
  }

  clear(): void {
    this.#slots = [];
    this.#mask = -1;
    this.#overflow = null;
    this.size = 0;
  }

  /** All of them, in no order; a copy, so that the table may change meanwhile. */
  all(): T[] {
    const all = this.#slots.filter((stream) => stream !== null);
    if (this.#overflow !== null) all.push(...this.#overflow.values());
    return all;
  }

  #grow(): void {
    const all = this.all();
    const slots = this.#mask < 0 ? firstSlots : (this.#mask + 1) * 2;
    this.#slots = new Array<T | null>(slots).fill(null);
    this.#mask = slots - 1;
    this.#overflow = null;
    for (const stream of all) {
      const at = (stream.id >>> 1) & this.#mask;
      if (this.#slots[at] === null) this.#slots[at] = stream;
      else {
        this.#overflow ??= new Map();
        this.#overflow.set(stream.id, stream);
      }
    }
  }
}
