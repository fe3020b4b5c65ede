import { type RandomInteger, SplitDraw } from '../balancing/draw.ts';
import type { ServiceBackend } from '../model/backend.ts';
import { type Role, type Split, type SplitMember, takingShares } from '../model/split.ts';
import type { ServiceRuntime } from './service-runtime.ts';

/** A backend that is drawn, whatever is carried to it. */
export interface DrawnBackend {
  readonly backend: ServiceBackend;
  readonly role: Role;
  readonly service: ServiceRuntime;
}

/** What a draw came to: a backend, or the index of a member that is none. */
export interface Drawn<R extends DrawnBackend> {
  backend: R | null;
  member: number;
  /** The canary had no endpoint and its share went to stable. */
  diverted: boolean;
}

/** A split with its draw and backends. A new one is made when its route changes; the draw outlives it. */
export class SplitRuntime<B extends ServiceBackend, R extends DrawnBackend> {
  readonly #backends: (R | null)[] = [];
  readonly #draw: SplitDraw | null;
  readonly #stableDraw: SplitDraw | null;

  /** @param split null = nothing is drawn. @param make what a backend is at run time. */
  constructor(
    split: Split<B> | null,
    draws: DrawTable,
    make: (member: Extract<SplitMember<B>, { kind: 'backend' }>) => R,
  ) {
    if (split === null) {
      this.#draw = null;
      this.#stableDraw = null;
      return;
    }
    for (const member of split.members) this.#backends.push(member.kind === 'backend' ? make(member) : null);
    const { key, members, denominator } = split;
    this.#draw = draws.get(
      key,
      members.map((member) => member.share),
      denominator,
    );
    const taking = takingShares(members);
    const sum = taking.reduce((a, b) => a + b, 0);
    this.#stableDraw = sum === 0 ? null : draws.get(`${key}\nstable`, taking, sum);
  }

  /**
   * Draws the member for the next call or connection. A canary whose service has no ready endpoint passes its share to
   * stable (unless `onEmpty: fail`); stable never passes its share to the canary.
   */
  draw(random: RandomInteger, out: Drawn<R>): void {
    this.take(this.#draw!.next(random), random, out);
  }

  /** The member that a call came to, by a draw or by its key; see {@link draw}. */
  take(member: number, random: RandomInteger, out: Drawn<R>): void {
    const backend = member < 0 ? null : this.#backends[member]!;
    out.member = member;
    out.backend = backend;
    out.diverted = false;
    if (backend === null || backend.role !== 'canary' || this.#stableDraw === null) return;
    if (!backend.service.isEmpty || backend.backend.onEmpty === 'fail') return;
    out.member = this.#stableDraw.next(random);
    out.backend = this.#backends[out.member]!;
    out.diverted = backend.service.everReady;
  }
}

/** The draws of all splits, by key; one survives for as long as the shares stay as they are. */
export class DrawTable {
  readonly #draws = new Map<string, { readonly shares: string; readonly draw: SplitDraw }>();

  /** The draw of this key, or a fresh one when the shares are others. */
  get(key: string, shares: readonly number[], denominator: number): SplitDraw {
    const text = `${shares.join(' ')}/${denominator}`;
    const known = this.#draws.get(key);
    if (known !== undefined && known.shares === text) return known.draw;
    const draw = new SplitDraw(shares, denominator);
    this.#draws.set(key, { shares: text, draw });
    return draw;
  }

  /** Forgets the draws of a split that is gone. */
  delete(key: string): void {
    this.#draws.delete(key);
    this.#draws.delete(`${key}\nstable`);
  }
}
