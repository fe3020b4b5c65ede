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

/** A Service over the tests' backend. */
export function service(
  name: string,
  selector: Readonly<Record<string, string>>,
  more: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
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
