import type { Placed } from './place-list.ts';

/** A connection of a client, whatever it speaks, as the data plane looks after it. */
export interface Client extends Placed {
  /** Once a second: what takes too long is ended. */
  sweep(now: number): void;
  /** Ends gracefully: no further call is taken, those under way get their answers. */
  drain(): void;
  /** Ends streams whose bodies wait for a slow reader. */
  shed(): void;
  /** Drops it. */
  destroy(): void;
}
