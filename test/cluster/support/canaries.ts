import { type ApiClient, type KubeObject, objectPath } from './api.ts';
import { repository } from './environment.ts';
import { service } from './manifests.ts';

/** The file with Serin's own CustomResourceDefinition. */
export const canaryDefinition = `${repository}/deploy/crds/canaries.serin.dev.yaml`;

/** A condition of a Canary. */
export interface CanaryCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

/** A Canary, as far as the tests look at it. */
export interface CanaryObject extends KubeObject {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly target?: string;
    readonly weight?: number;
    readonly observedShare?: number;
    readonly observedGeneration?: number;
    readonly versions?: Readonly<Record<'stable' | 'canary', Readonly<Record<string, unknown>>>>;
    readonly others?: readonly string[];
    readonly overlay?: Readonly<Record<string, unknown>> | null;
    readonly conditions?: readonly CanaryCondition[];
  };
}

/** A Canary as manifest. */
export function canary(name: string, spec: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ apiVersion: 'serin.dev/v1alpha1', kind: 'Canary', metadata: { name }, spec });
}

/** The path of a Canary. */
export function canaryPath(name: string, namespace = 'default'): string {
  return objectPath('serin.dev/v1alpha1', 'canaries', namespace, name);
}

/** A Canary as it is now. */
export function getCanary(api: ApiClient, name: string): Promise<CanaryObject> {
  return api.get<CanaryObject>(canaryPath(name));
}

/** The reason of a Canary's condition `Ready`, once the condition is about its newest spec; '' before that. */
export function readyReason({ metadata, status }: CanaryObject): string {
  const found = status?.conditions?.find(({ type }) => type === 'Ready');
  return found?.observedGeneration === metadata.generation ? (found?.reason ?? '') : '';
}

/**
 * A Service over the tests' backend with a Mapping in its annotation.
 * @param fields of the Mapping, line by line. @param more of the Service's spec.
 */
export function mappedService(
  name: string,
  selector: Readonly<Record<string, string>>,
  fields: readonly string[],
  more: Readonly<Record<string, unknown>> = {},
): string {
  const mapping = ['apiVersion: getambassador.io/v2', 'kind: Mapping', `name: ${name}`, ...fields];
  return service(name, selector, more, { 'getambassador.io/config': mapping.join('\n') });
}

/** The fields of a Mapping that leads gRPC calls for a host to a Service. */
export function greeterMapping(service: string, host: string): readonly string[] {
  return [
    'grpc: true',
    'prefix: /helloworld.Greeter/',
    'rewrite: /helloworld.Greeter/',
    `host: ${host}`,
    `service: ${service}.default:50051`,
  ];
}
