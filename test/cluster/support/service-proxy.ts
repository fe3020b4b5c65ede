import { connect, createServer, type Server, type Socket } from 'node:net';
import { type ApiClient, type KubeObject, objectPath } from './api.ts';
import type { EndpointSlice } from './endpoints.ts';
import { Reflector } from './reflector.ts';

/** A Service, as far as the proxy reads it. */
interface Service extends KubeObject {
  readonly spec: {
    readonly clusterIP?: string;
    readonly type?: string;
    readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol?: string }[];
  };
}

/** What stands in for kube-proxy. */
export interface ServiceProxy {
  stop(): Promise<void>;
}

/**
 * Serves the cluster IPs of Services over TCP: each new connection goes to a ready endpoint drawn at random, as kube-proxy's does, and
 * stays there. While none is ready, those that are terminating and still serve are drawn. Nothing is tried twice, so that a race that
 * a cluster has is seen here as well. IPv4; the addresses are this network namespace's own (run.sh).
 */
export function startServiceProxy(api: ApiClient): ServiceProxy {
  const ports = new Map<string, Server>();
  const wanted = new Set<string>();
  const open = new Set<Socket>();
  const services = new Reflector<Service>(api, objectPath('v1', 'services'), {
    changed: () => listen(),
    gone: () => listen(),
  });
  const slices = new Reflector<EndpointSlice>(api, objectPath('discovery.k8s.io/v1', 'endpointslices'), {
    changed: () => {},
    gone: () => {},
  });

  function listen(): void {
    wanted.clear();
    for (const service of services.objects.values()) {
      const { clusterIP, ports: served = [] } = service.spec;
      if (clusterIP === undefined || clusterIP === '' || clusterIP === 'None') continue;
      for (const { name = '', port, protocol = 'TCP' } of served) {
        if (protocol !== 'TCP') continue;
        const key = `${clusterIP}:${port}`;
        wanted.add(key);
        if (ports.has(key)) continue;
        const { namespace, name: serviceName } = service.metadata;
        const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
          forward(client, endpoint(`${namespace}/${serviceName}`, name)),
        );
        // The address may be a Service's that has just gone; the next change tries again.
        server.on('error', () => ports.delete(key));
        server.listen(port, clusterIP);
        ports.set(key, server);
      }
    }
    for (const [key, server] of ports) {
      if (wanted.has(key)) continue;
      server.close();
      ports.delete(key);
    }
  }

  function endpoint(service: string, portName: string): { host: string; port: number } | null {
    const ready: { host: string; port: number }[] = [];
    const draining: typeof ready = [];
    for (const { metadata, addressType, endpoints, ports: served } of slices.objects.values()) {
      const owner = `${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name']}`;
      if (owner !== service || addressType !== 'IPv4') continue;
      const port = served?.find(({ name = '' }) => name === portName)?.port;
      if (port === undefined) continue;
      for (const { addresses, conditions } of endpoints ?? []) {
        const found = { host: addresses[0]!, port };
        if (conditions.ready ?? true) ready.push(found);
        else if (conditions.serving && conditions.terminating) draining.push(found);
      }
    }
    const from = ready.length > 0 ? ready : draining;
    return from[Math.floor(Math.random() * from.length)] ?? null;
  }

  function forward(client: Socket, to: { host: string; port: number } | null): void {
    client.on('error', () => {});
    if (to === null) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ ...to, allowHalfOpen: true, noDelay: true });
    upstream.on('error', () => client.resetAndDestroy());
    for (const [from, into] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from);
      from.pipe(into);
      from.once('close', () => {
        open.delete(from);
        into.destroy();
      });
    }
  }

  return {
    stop: async () => {
      await Promise.all([services.stop(), slices.stop()]);
      for (const server of ports.values()) server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
