import { readFile } from 'node:fs/promises';
import { Agent, type RequestOptions } from 'node:https';
import { isIPv6 } from 'node:net';

/** What a request to the API server needs beside its path. */
export interface Access {
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where the API server is and how one proves who one is. */
export interface Credentials {
  readonly server: URL;
  /** Namespace of the pod or of the kubeconfig's context. */
  readonly namespace: string;
  /** Where they come from, for messages. */
  readonly origin: string;
  /** Current credentials; those that rotate are read anew at least once a minute. Rejects with a readable error. */
  access(): Promise<Access>;
  /** The API server did not accept them (401): the next ones are read anew. */
  renew(): void;
}

/** Folder of a pod's ServiceAccount. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** So long credentials are used before they are read again, milliseconds; kubelets replace tokens well before they end. */
const FRESH_MS = 60_000;

/**
 * Credentials of a pod (its ServiceAccount's token, read anew as it rotates), or, with `context` or outside of a pod, of
 * a kubeconfig (KUBECONFIG, else ~/.kube/config): tokens, client certificates, exec plugins, OIDC, proxies.
 */
export async function loadCredentials(context: string | null): Promise<Credentials> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  if (context === null && host && port) return inCluster(host, port);
  return fromKubeconfig(context);
}

async function inCluster(host: string, port: string): Promise<Credentials> {
  const namespace = await read(`${SERVICE_ACCOUNT}/namespace`);
  let agent: Agent | null = null;
  let authority = '';
  return cached({
    server: new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`),
    namespace: namespace.trim(),
    origin: `the pod's ServiceAccount (${SERVICE_ACCOUNT})`,
    async read() {
      const [token, ca] = await Promise.all([
        read(`${SERVICE_ACCOUNT}/token`),
        read(`${SERVICE_ACCOUNT}/ca.crt`),
      ]);
      if (agent === null || ca !== authority) {
        authority = ca;
        agent = new Agent({ keepAlive: true, ca });
      }
      return { agent, headers: { authorization: `Bearer ${token.trim()}` } };
    },
  });
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(
      `${path} cannot be read (${(error as NodeJS.ErrnoException).code}); the pod needs automountServiceAccountToken, or --context with a kubeconfig`,
    );
  }
}

async function fromKubeconfig(context: string | null): Promise<Credentials> {
  // Loaded here only: in a pod nothing of it is needed, and it takes 60 MiB.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const load = (): InstanceType<typeof KubeConfig> => {
    const config = new KubeConfig();
    config.loadFromDefault();
    if (context === null) return config;
    const names = config.getContexts().map(({ name }) => name);
    if (!names.includes(context))
      throw new Error(`the kubeconfig has no context "${context}"; it has ${names.join(', ') || 'none'}`);
    config.setCurrentContext(context);
    return config;
  };
  const first = load();
  const cluster = first.getCurrentCluster();
  if (cluster === null || !URL.canParse(cluster.server)) {
    throw new Error(
      'no cluster is known: run in a pod, or write a kubeconfig (KUBECONFIG, ~/.kube/config) whose current context names one',
    );
  }
  let agent: Agent | null = null;
  let known = '';
  return cached({
    server: new URL(cluster.server),
    namespace: first.getContextObject(first.getCurrentContext())?.namespace ?? 'default',
    origin: `context ${first.getCurrentContext()} of the kubeconfig`,
    async read() {
      const config = load();
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized } = options;
      const text = JSON.stringify(
        [ca, cert, key, pfx, passphrase, servername, rejectUnauthorized].map(String),
      );
      if (agent === null || text !== known) {
        known = text;
        const tls = { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized };
        // Its own agent knows proxies; ours keeps connections.
        const proxied = config.getCurrentCluster()?.proxyUrl !== undefined;
        agent = proxied ? (options.agent as Agent) : new Agent({ keepAlive: true, ...defined(tls) });
      }
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(options.headers ?? {}))
        headers[name.toLowerCase()] = String(value);
      if (options.auth) headers.authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
      return { agent, headers };
    },
  });
}

/** Undefined options are not the same as absent ones to node:tls. */
function defined(options: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Keeps what was read for a minute, or until it is said to be no good. */
function cached(
  source: Pick<Credentials, 'server' | 'namespace' | 'origin'> & { read(): Promise<Access> },
): Credentials {
  let current: Promise<Access> | null = null;
  let readAt = 0;
  const { server, namespace, origin } = source;
  return {
    server,
    namespace,
    origin,
    access() {
      const now = performance.now();
      if (current === null || now - readAt > FRESH_MS) {
        readAt = now;
        const reading = source.read();
        current = reading;
        reading.catch(() => {
          if (current === reading) current = null;
        });
      }
      return current;
    },
    renew() {
      current = null;
    },
  };
}
