import { type ApiClient, type KubeList, type KubeObject, objectPath } from './api.ts';

/** One endpoint of an EndpointSlice. */
export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly conditions: {
    readonly ready?: boolean;
    readonly serving?: boolean;
    readonly terminating?: boolean;
  };
  readonly targetRef?: { readonly name: string };
}

/** An EndpointSlice. */
export interface EndpointSlice extends KubeObject {
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN';
  readonly endpoints: readonly SliceEndpoint[] | null;
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[] | null;
}

/** All endpoints of a Service, over its slices of one family. */
export async function endpointsOf(
  api: ApiClient,
  namespace: string,
  service: string,
  family: 'IPv4' | 'IPv6' = 'IPv4',
): Promise<readonly SliceEndpoint[]> {
  const path = objectPath('discovery.k8s.io/v1', 'endpointslices', namespace);
  const selector = encodeURIComponent(`kubernetes.io/service-name=${service}`);
  const slices = await api.get<KubeList<EndpointSlice>>(`${path}?labelSelector=${selector}`);
  return slices.items
    .filter(({ addressType }) => addressType === family)
    .flatMap(({ endpoints }) => endpoints ?? []);
}
