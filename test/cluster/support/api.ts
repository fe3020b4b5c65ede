import type { IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';

/** What every object of Kubernetes carries. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly ownerReferences?: readonly { kind: string; name: string; uid: string }[];
}

/** An object of any kind, as far as the tests look at it. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

/** A list of objects. */
export interface KubeList<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

/** One line of a watch. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

/** An answer of the API server that is no success. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** The HTTP status. */
  readonly status: number;
  /** Kubernetes' word for it (`NotFound`, `Forbidden`, `Conflict`). */
  readonly reason: string;

  constructor(method: string, path: string, status: number, body: string) {
    let said: { message?: string; reason?: string } = {};
    try {
      said = JSON.parse(body);
    } catch {
      said = { message: body };
    }
    super(`${method} ${path}: ${status} ${said.message ?? ''}`);
    this.status = status;
    this.reason = said.reason ?? '';
  }
}

/** Where the API server is, and who asks. */
export interface ApiAccess {
  /** `https://10.244.0.1:6443` */
  readonly server: string;
  /** The authority that signed its certificate, as PEM. */
  readonly authority: string;
  readonly token: string;
}

/** The path of a kind, `apps/v1` and `deployments`, or of one object of it. */
export function objectPath(apiVersion: string, plural: string, namespace?: string, name?: string): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `${group}${scope}/${plural}${name === undefined ? '' : `/${name}`}`;
}

/** A small client of the API server: JSON in, JSON out, an `ApiError` for what fails. */
export class ApiClient {
  readonly access: ApiAccess;
  readonly #agent: Agent;

  constructor(access: ApiAccess) {
    this.access = access;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 64, ca: access.authority });
  }

  /** The same server, asked by somebody else. */
  as(token: string): ApiClient {
    return new ApiClient({ ...this.access, token });
  }

  get<T>(path: string): Promise<T> {
    return this.#json('GET', path);
  }

  /** The object, or null where there is none. */
  async find<T>(path: string): Promise<T | null> {
    return this.get<T>(path).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    });
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.#json('POST', path, body);
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.#json('PUT', path, body);
  }

  /** A JSON merge patch (RFC 7396): lists are replaced whole. */
  patch<T>(path: string, body: unknown): Promise<T> {
    return this.#json('PATCH', path, body, 'application/merge-patch+json');
  }

  /** Deletes; `options` are DeleteOptions (`gracePeriodSeconds`, `propagationPolicy`, `preconditions`). */
  delete<T>(path: string, options: Record<string, unknown> = {}): Promise<T> {
    return this.#json('DELETE', path, { apiVersion: 'v1', kind: 'DeleteOptions', ...options });
  }

  /** The body of a path that is no object (`/readyz`). */
  async text(path: string): Promise<string> {
    const response = await this.#send('GET', path);
    const body = await read(response);
    if (response.statusCode !== 200) throw new ApiError('GET', path, response.statusCode ?? 0, body);
    return body;
  }

  /**
   * The events of one watch, until the server or `signal` ends it. Throws what the connection breaks with. Leave it by `signal`: a
   * test that left the loop by `return` was seen to hang.
   */
  async *watch<T>(path: string, signal?: AbortSignal): AsyncGenerator<WatchEvent<T>> {
    const response = await this.#send('GET', path, undefined, undefined, signal);
    if (response.statusCode !== 200) {
      throw new ApiError('WATCH', path, response.statusCode ?? 0, await read(response));
    }
    let rest = '';
    response.setEncoding('utf8');
    for await (const chunk of response) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line);
    }
  }

  /** Closes its connections. */
  close(): void {
    this.#agent.destroy();
  }

  async #json<T>(method: string, path: string, body?: unknown, type?: string): Promise<T> {
    const response = await this.#send(method, path, body, type);
    const text = await read(response);
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw new ApiError(method, path, status, text);
    return JSON.parse(text);
  }

  #send(
    method: string,
    path: string,
    body?: unknown,
    type = 'application/json',
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers: Record<string, string | number> = { authorization: `Bearer ${this.access.token}` };
    if (text !== '') {
      headers['content-type'] = type;
      // Without it Node sends the body of a DELETE with no framing at all.
      headers['content-length'] = Buffer.byteLength(text);
    }
    const options: RequestOptions = { method, headers, agent: this.#agent };
    if (signal !== undefined) options.signal = signal;
    return new Promise((resolve, reject) => {
      const sent = request(`${this.access.server}${path}`, options, resolve);
      sent.once('error', reject);
      sent.end(text);
    });
  }
}

async function read(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
