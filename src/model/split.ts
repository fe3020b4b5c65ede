import type { Backend, ServiceBackend } from './backend.ts';

/** An answer that the gateway gives itself. */
export interface FixedResponse {
  /** HTTP status, 200 to 599. */
  readonly status: number;
  /** What a gRPC client gets in its place (with HTTP 200), 0 to 16. */
  readonly grpcStatus: number;
  /** One sentence: what is wrong and where. */
  readonly message: string;
  /** Value of `x-serin-reason` and of the metric's label `reason`. */
  readonly reason: string;
}

/** What part a backend has in a release. `stable` takes what the canaries leave. */
export type Role = 'stable' | 'canary';

/**
 * One member of a split with its share in units of the split's `denominator`.
 * `next`: the call falls through to the next matching route and is drawn again there.
 */
export type SplitMember<B extends ServiceBackend = Backend> =
  | { readonly kind: 'backend'; readonly share: number; readonly role: Role; readonly backend: B }
  | { readonly kind: 'next'; readonly share: number }
  | { readonly kind: 'respond'; readonly share: number; readonly response: FixedResponse };

/** What a sticky split hashes: calls with the same key get the same member for as long as the shares let them. */
export interface StickyKey {
  readonly kind: 'header' | 'cookie';
  /** A header's in lower case. */
  readonly name: string;
  /** Of a cookie that the gateway sets, in seconds; 0 = until the browser ends. */
  readonly maxAgeS: number;
  /** Hashed along with the key. */
  readonly seed: string;
}

/** A condition that sends a call to one member without a draw. Compiled by later sources; empty today. */
export interface ForcedMember {
  readonly header: string;
  readonly value: string;
  readonly member: number;
}

/**
 * How a route's calls are divided. Shares are exact integers: member i gets `members[i].share / denominator`,
 * and the shares add up to the denominator (1 to 2^31-1). Canaries stand first.
 */
export interface Split<B extends ServiceBackend = Backend> {
  /** Names the state of the draw (it survives every snapshot that leaves the shares as they are). */
  readonly key: string;
  readonly denominator: number;
  readonly members: readonly SplitMember<B>[];
  readonly sticky: StickyKey | null;
  readonly forced: readonly ForcedMember[];
}

/**
 * Which part each member takes of the calls that a canary without a ready endpoint passes on, in their order: stable ones by their
 * shares; equally where they have none, since the canary has all. All 0: nobody takes them.
 */
export function takingShares(members: readonly SplitMember<ServiceBackend>[]): number[] {
  const shares = members.map((member) => {
    return member.kind === 'backend' && member.role === 'stable' ? member.share : null;
  });
  const none = shares.every((share) => share === null || share === 0);
  return shares.map((share) => (share !== null && none ? 1 : (share ?? 0)));
}
