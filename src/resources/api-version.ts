import type { ApiVersion } from './fields.ts';
import { type Finding, finding } from './issue.ts';

/** What an apiVersion says: a version of Ambassador's, nobody's business here, or a mistake. */
export type ReadVersion =
  | { readonly kind: 'known'; readonly version: ApiVersion }
  | { readonly kind: 'other' }
  | { readonly kind: 'wrong'; readonly finding: Finding };

/** The versions that are read, and no others. */
const versions: Readonly<Record<string, ApiVersion>> = {
  'ambassador/v0': 0,
  'ambassador/v1': 1,
  'ambassador/v2': 2,
  'getambassador.io/v0': 0,
  'getambassador.io/v1': 1,
  'getambassador.io/v2': 2,
  'getambassador.io/v3alpha1': 3,
};

/** Reads an apiVersion. `expected`: the object stands where only Ambassador's can, or has a kind of Ambassador's. */
export function apiVersionOf(apiVersion: unknown, expected: boolean): ReadVersion {
  if (apiVersion === undefined || apiVersion === null || apiVersion === '') {
    return expected ? { kind: 'wrong', finding: finding('missing-api-version', []) } : { kind: 'other' };
  }
  const written = String(apiVersion);
  const version = versions[written];
  if (version !== undefined) return { kind: 'known', version };
  const group = written.includes('/') ? written.slice(0, written.indexOf('/')) : '';
  const ours = /ambassador/i.test(group) || (expected && group === '');
  if (!ours && !expected) return { kind: 'other' };
  // A kind of that name in another product's group (a Host of Istio's, say) is left in peace.
  if (!ours && group !== '') return { kind: 'other' };
  return {
    kind: 'wrong',
    finding: finding('unknown-api-version', ['apiVersion'], {
      version: written,
      nearest: rightSpelling(written),
    }),
  };
}

function rightSpelling(written: string): string {
  const version = written.slice(written.indexOf('/') + 1).toLowerCase();
  if (/^v[012]$/.test(version)) return `getambassador.io/${version}`;
  return 'getambassador.io/v3alpha1';
}
