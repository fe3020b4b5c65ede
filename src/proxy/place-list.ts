/** What stands in a {@link PlaceList}. */
export interface Placed {
  /** Where it stands, -1 = nowhere. Only the list writes it. */
  place: number;
}

/**
 * A set for what comes and goes many times a second. A `Set` builds its table anew every so many additions, and each old table
 * holds on to the next one: one that has grown old keeps all later tables, and who stood in them, until the next full
 * collection. With a connection for each request half of all connections outlived their time so, and were copied by each scavenge.
 */
export class PlaceList<T extends Placed> {
  readonly #all: T[] = [];

  get size(): number {
    return this.#all.length;
  }

  /** Adds one that stands in no list. */
  add(one: T): void {
    one.place = this.#all.push(one) - 1;
  }

  /** Takes one out; harmless when it is not there. */
  delete(one: T): void {
    const { place } = one;
    if (place < 0) return;
    const last = this.#all.pop()!;
    if (last !== one) {
      this.#all[place] = last;
      last.place = place;
    }
    one.place = -1;
  }

  /** All, in no order; the list may change meanwhile. */
  all(): readonly T[] {
    return this.#all.slice();
  }
}
