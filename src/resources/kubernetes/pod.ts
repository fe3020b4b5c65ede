import type { ObjectMeta } from '../resource.ts';

/** A Pod: its labels tell the version of its address. */
export interface Pod {
  readonly kind: 'Pod';
  readonly meta: ObjectMeta;
}

/** Reads a Pod. */
export function parsePod(_object: Readonly<Record<string, unknown>>, meta: ObjectMeta): Pod {
  return { kind: 'Pod', meta };
}
