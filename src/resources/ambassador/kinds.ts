import { type Finding, finding } from '../issue.ts';
import { type Guard, parseAuthService, parseFilterPolicy } from './guard.ts';
import { type Host, parseHost } from './host.ts';
import { type ListenerResource, parseListener } from './listener.ts';
import { type Mapping, parseMapping } from './mapping.ts';
import { type ModuleResource, parseModule } from './module.ts';
import type { ShapedObject } from './shape.ts';
import { parseTcpMapping, type TcpMapping } from './tcp-mapping.ts';
import { parseTlsContext, type TlsContextResource, type TlsModule } from './tls-context.ts';

/** Ambassador objects that the compiler reads. */
export type AmbassadorResource =
  | Mapping
  | TcpMapping
  | Host
  | ListenerResource
  | ModuleResource
  | Guard
  | TlsContextResource
  | TlsModule;

/** How a kind is read: a resource or null, with what was found. */
export type KindParser = (object: ShapedObject) => {
  resource: AmbassadorResource | null;
  findings: Finding[];
};

const notServed: KindParser = (object) => ({
  resource: null,
  findings: [finding('kind-not-served', [], { kind: object.kind })],
});

/** Every kind of Ambassador, Emissary and Edge Stack. A new kind is a row here and a file beside. */
export const ambassadorKinds = {
  Mapping: parseMapping,
  TCPMapping: parseTcpMapping,
  Host: parseHost,
  Listener: parseListener,
  Module: parseModule,
  AuthService: parseAuthService,
  FilterPolicy: parseFilterPolicy,
  TLSContext: parseTlsContext,
  Filter: notServed,
  RateLimitService: notServed,
  RateLimit: notServed,
  TracingService: notServed,
  LogService: notServed,
  KubernetesServiceResolver: notServed,
  KubernetesEndpointResolver: notServed,
  ConsulResolver: notServed,
  DevPortal: notServed,
  ProjectController: notServed,
  Project: notServed,
  ProjectRevision: notServed,
} as const satisfies Record<string, KindParser>;

/** Kinds that close what they guard even where they are broken. */
export const guardKinds: readonly string[] = ['AuthService', 'FilterPolicy'];
