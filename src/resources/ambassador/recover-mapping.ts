import { editDistance } from '../../lib/edit-distance.ts';
import type { Recovered } from '../resource.ts';
import { readMatch } from './mapping-match.ts';
import type { ShapedObject } from './shape.ts';

/**
 * What can be said of a broken Mapping: the group that it would be in, and whether it has a weight. Where it has
 * none it would take what the others leave, and that share must not go to the canary.
 */
export function recoverMapping({ fields, version, meta }: ShapedObject): Recovered | null {
  if (typeof fields.prefix !== 'string' || fields.prefix === '') return null;
  if (fields.shadow === true || fields.host_redirect === true) return null;
  const weighted = Object.keys(fields).some(
    (key) => fields[key] !== null && editDistance(key, 'weight', 2) <= 2,
  );
  return { kind: 'Mapping', match: readMatch(fields, version), labels: meta.labels, weighted };
}
