import { backendImage } from './images.ts';

/** A Deployment of the tests' backend, as far as tests vary it. */
export interface DeploymentRequest {
  readonly name: string;
  readonly replicas: number;
  /** The image's tag, which answers name. */
  readonly version: string;
  /** Of the pods, and what selects them. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Environment of the backend (`LATENCY`, `START_DELAY`). */
  readonly environment?: Readonly<Record<string, string>>;
  readonly strategy?: Readonly<Record<string, unknown>>;
  /** More of the pods' spec (`terminationGracePeriodSeconds`). */
  readonly pod?: Readonly<Record<string, unknown>>;
  /** More of the container (`readinessProbe`, `securityContext`). */
  readonly container?: Readonly<Record<string, unknown>>;
}

/** A Deployment of the tests' backend: gRPC on 50051 with a readiness probe every second, HTTP/1.1 on 8080. */
export function deployment(request: DeploymentRequest): string {
  const {
    name,
    replicas,
    version,
    labels = { app: name },
    environment = {},
    strategy,
    pod,
    container,
  } = request;
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      ...(strategy && { strategy }),
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: 'backend',
              image: `${backendImage}:${version}`,
              ports: [
                { name: 'grpc', containerPort: 50051 },
                { name: 'http', containerPort: 8080 },
              ],
              env: Object.entries(environment).map(([key, value]) => ({ name: key, value })),
              readinessProbe: { grpc: { port: 50051 }, periodSeconds: 1 },
              ...container,
            },
          ],
          ...pod,
        },
      },
    },
  });
}

/** A Service over the tests' backend. @param more of its spec. */
export function service(
  name: string,
  selector: Readonly<Record<string, string>>,
  more: Readonly<Record<string, unknown>> = {},
  annotations: Readonly<Record<string, string>> = {},
): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, annotations },
    spec: {
      selector,
      ports: [
        { name: 'grpc', port: 50051, targetPort: 'grpc' },
        { name: 'http', port: 80, targetPort: 'http' },
      ],
      ...more,
    },
  });
}

/** One release of the Service `shop`: the Deployment `shop-VERSION`, whose pods have the label `version`. */
export function shopRelease(
  version: string,
  replicas = 1,
  environment: Readonly<Record<string, string>> = {},
): string {
  return deployment({
    name: `shop-${version}`,
    replicas,
    version,
    labels: { app: 'shop', version },
    environment,
  });
}

/** The Service `shop` over all of its releases, as Kubernetes' own canary has it, with a Mapping for the Greeter. */
export const shopService = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'shop',
    annotations: {
      'getambassador.io/config': [
        'apiVersion: getambassador.io/v2',
        'kind: Mapping',
        'name: shop',
        'grpc: true',
        'prefix: /helloworld.Greeter/',
        'rewrite: /helloworld.Greeter/',
        'service: shop.default:50051',
      ].join('\n'),
    },
  },
  spec: { selector: { app: 'shop' }, ports: [{ name: 'grpc', port: 50051, targetPort: 'grpc' }] },
});
