import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Credentials } from './credentials.ts';

/** Who this gateway is in the cluster. */
export interface Identity {
  /** Name of the pod, else of the machine with something that no other has. */
  readonly name: string;
  /** Where its Leases stand. */
  readonly namespace: string;
  /** The pod, as owner of what must not outlive it; null outside of one. */
  readonly pod: { readonly name: string; readonly uid: string } | null;
}

/** From POD_NAME, POD_NAMESPACE and POD_UID (downward API), else the host's name and the credentials' namespace. */
export function ownIdentity({ namespace }: Credentials): Identity {
  const { POD_NAME, POD_NAMESPACE, POD_UID } = process.env;
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, 40);
  return {
    name: POD_NAME || `${host}-${randomBytes(3).toString('hex')}`,
    namespace: POD_NAMESPACE || namespace,
    pod: POD_NAME && POD_UID ? { name: POD_NAME, uid: POD_UID } : null,
  };
}
