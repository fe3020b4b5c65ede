import type { Canary, CanaryOverlay } from './canary.ts';

/** What a person tells a split to do. */
export type SplitCommand =
  /** The canary gets this many percent, until `resume` or another release. */
  | { readonly kind: 'set-weight'; readonly weight: number }
  /** The weight stays what it is now, whatever is written. */
  | { readonly kind: 'pause' }
  /** What is written counts again. */
  | { readonly kind: 'resume' }
  /** The canary gets all. */
  | { readonly kind: 'promote' }
  /** The canary gets nothing. Its running calls finish, or are ended after so many seconds; null = they finish. */
  | { readonly kind: 'abort'; readonly endStreamsS: number | null };

/** The release that an overlay of a Canary counts for: what its canary is. */
export function revisionOf({ target }: Canary): string {
  return target.kind === 'service' ? `${target.versionLabel}=${target.canary}` : target.mapping;
}

/** The overlay that counts: one that was set for another release does not. */
export function overlayInForce(overlay: CanaryOverlay | null, revision: string): CanaryOverlay | null {
  return overlay?.revision === revision ? overlay : null;
}

/**
 * The overlay that a command leads to; null = none.
 * @param weight percent that counts now. @param at RFC 3339.
 */
export function overlayAfter(
  command: SplitCommand,
  { weight, revision }: { readonly weight: number; readonly revision: string },
  by: string,
  at: string,
): CanaryOverlay | null {
  const base = { revision, by, at };
  switch (command.kind) {
    case 'set-weight':
      return { weight: command.weight, state: 'set', ...base };
    case 'pause':
      return { weight, state: 'paused', ...base };
    case 'promote':
      return { weight: 100, state: 'promoted', ...base };
    case 'abort':
      return {
        weight: 0,
        state: 'aborted',
        ...base,
        ...(command.endStreamsS === null ? {} : { endStreamsS: command.endStreamsS }),
      };
    case 'resume':
      return null;
  }
}

/** Reads a weight in percent, `7`, `7%` or `0.25 %`, from 0 to 100 with up to four decimals; null where it is none. */
export function parseWeight(text: string): number | null {
  const match = /^(\d{1,3}(?:\.\d{1,4})?)\s*%?$/.exec(text.trim());
  const weight = Number(match?.[1]);
  return match !== null && weight <= 100 ? weight : null;
}
