import type { AmbassadorResource } from './ambassador/kinds.ts';
import type { MappingMatch } from './ambassador/mapping-match.ts';
import type { TcpMatch } from './ambassador/tcp-mapping.ts';
import type { Finding } from './issue.ts';
import type { KubernetesResource } from './kubernetes/kinds.ts';
import type { Canary } from './serin/canary.ts';
import type { Locator } from './yaml/locate.ts';

/** What every object has. */
export interface ObjectMeta {
  readonly name: string;
  /** `default` where none is written (in an annotation: the carrier's). */
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** metadata.creationTimestamp as text, or null. */
  readonly created: string | null;
}

/** Everything that the compiler reads. */
export type Resource = AmbassadorResource | KubernetesResource | Canary;

/** One object of a document: what it says, or that it is broken, and how to find its places. */
export interface ReadObject {
  /** `Kind/namespace/name`; null where that cannot be read. Names the object for "keep the last good state". */
  readonly identity: string | null;
  /** `Mapping name.namespace`, for messages. */
  readonly label: string | null;
  /** Null: broken, or nothing that the gateway uses. */
  readonly resource: Resource | null;
  /** True if the object should have a resource and an error took it away. */
  readonly broken: boolean;
  /** What could be recovered of a broken object. */
  readonly recovered: Recovered | null;
  readonly findings: readonly Finding[];
  readonly locator: Locator;
  /** True if it is meant for gateways with another ambassador_id. */
  readonly skipped: boolean;
}

/** What is known of a broken object: enough to fail closed. */
export type Recovered =
  | {
      readonly kind: 'Mapping';
      /** Its conditions, which say what group it would be in. */
      readonly match: MappingMatch;
      readonly labels: ObjectMeta['labels'];
      /** True if it has a weight, or something that looks like one. */
      readonly weighted: boolean;
    }
  | { readonly kind: 'TCPMapping'; readonly match: TcpMatch; readonly weighted: boolean }
  | { readonly kind: 'Guard'; readonly guardKind: string }
  /** A Module that should say who may call. */
  | { readonly kind: 'AddressRules' };
