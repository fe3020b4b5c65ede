import { type ApiClient, ApiError } from './api-client.ts';
import type { WatchedKind } from './kinds.ts';

/** Resources that a cluster serves: `group/version/resource`. */
export type Served = ReadonlySet<string>;

interface GroupDiscovery {
  readonly metadata?: { readonly name?: string };
  readonly versions?: readonly {
    readonly version: string;
    readonly freshness?: string;
    readonly resources?: readonly { readonly resource: string }[];
  }[];
}

/** One document for all groups; Kubernetes 1.27 and later (v2beta1), 1.30 and later (v2). */
const AGGREGATED = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(',');

/** Asks which kinds of the API groups there are, in one request that costs nothing where nothing has changed. */
export class Discovery {
  readonly #client: ApiClient;
  #etag: string | null = null;
  #served: Served = new Set();

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /**
   * True once the API server has found all its kinds: one that is just starting answers before it knows the custom ones.
   * Who may not ask is told yes. Rejects with an {@link ApiError}.
   */
  async isSettled(): Promise<boolean> {
    try {
      await this.#client.text('/readyz');
      return true;
    } catch (error) {
      const { status } = error as ApiError;
      if (status === 401 || status === 403 || status === 404) return true;
      if (status === 0) throw error;
      return false;
    }
  }

  /** What is served now, asked anew whatever was said before. See {@link read}. */
  readAgain(): Promise<Served> {
    this.#etag = null;
    return this.read();
  }

  /** What is served now. A group whose server does not answer (freshness Stale) counts as it was. Rejects with an {@link ApiError}. */
  async read(): Promise<Served> {
    const { body, etag } = await this.#client.exchange<{ kind?: string; items?: readonly GroupDiscovery[] }>({
      path: '/apis',
      accept: AGGREGATED,
      ...(this.#etag === null ? {} : { etag: this.#etag }),
    });
    if (body === null) return this.#served;
    if (body.kind !== 'APIGroupDiscoveryList')
      throw new ApiError(
        501,
        '',
        'this API server has no aggregated discovery; Kubernetes 1.27 or later is needed',
      );
    const served = new Set<string>();
    for (const { metadata, versions } of body.items ?? []) {
      for (const { version, freshness, resources } of versions ?? []) {
        const prefix = `${metadata?.name ?? ''}/${version}/`;
        for (const { resource } of resources ?? []) served.add(prefix + resource);
        if (freshness !== 'Stale') continue;
        for (const known of this.#served) if (known.startsWith(prefix)) served.add(known);
      }
    }
    this.#etag = etag;
    this.#served = served;
    return served;
  }
}

/** The versions of a kind that are served, the preferred one first. Core kinds always are. */
export function servedVersions({ group, resource, versions, custom }: WatchedKind, served: Served): string[] {
  if (!custom) return [...versions];
  return versions.filter((version) => served.has(`${group}/${version}/${resource}`));
}
