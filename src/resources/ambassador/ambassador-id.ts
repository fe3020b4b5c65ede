import type { ApiVersion } from '../fields.ts';

/**
 * Whether an object is meant for this gateway: `ours`, or `others`, which are skipped in silence. No id means
 * "default"; `_automatic_` means every gateway. v2's "--apiVersion-v3alpha1-only--" prefix is stripped.
 * (That v3alpha1 takes a list only is the field table's business.)
 */
export function readAmbassadorId(
  fields: Readonly<Record<string, unknown>>,
  _version: ApiVersion,
  own: readonly string[],
): 'ours' | 'others' {
  const written = fields.ambassador_id ?? fields.ambassadorId;
  const list =
    written === undefined || written === null ? ['default'] : Array.isArray(written) ? written : [written];
  if (list.length === 0) return own.includes('default') ? 'ours' : 'others';
  for (const item of list) {
    const id = String(item).replace(/^--apiVersion-v3alpha1-only--/, '');
    if (id === '_automatic_' || own.includes(id)) return 'ours';
  }
  return 'others';
}
