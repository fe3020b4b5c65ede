import type { AuditEvent } from './audit.ts';

interface Role {
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

/** What a role grants, each verb by itself: `list canaries.serin.dev`; sorted. */
export function rulesOf({ rules }: Role): string[] {
  const all = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${place(resource, group)}`)),
    ),
  );
  return [...new Set(all)].sort();
}

/** What an account has asked for, in the same words, and what of it was refused. Discovery and the like, which everybody may, is left out. */
export function asksOf(
  events: readonly AuditEvent[],
  account: string,
): { readonly all: string[]; readonly refused: string[] } {
  const own = events.filter(({ user, resource }) => user === account && resource !== '');
  const words = ({ verb, resource, subresource, uri, status }: AuditEvent) => {
    const group = /^\/apis\/([^/]+)\//.exec(uri)?.[1] ?? '';
    const what = place(subresource === '' ? resource : `${resource}/${subresource}`, group);
    // A server-side apply that makes the object is a patch, for which `create` is asked too.
    return verb === 'patch' && status === 201 ? [`patch ${what}`, `create ${what}`] : [`${verb} ${what}`];
  };
  return {
    all: [...new Set(own.flatMap(words))].sort(),
    refused: own.filter(({ status }) => status === 401 || status === 403).flatMap(words),
  };
}

function place(resource: string, group: string): string {
  return group === '' ? resource : `${resource}.${group}`;
}
