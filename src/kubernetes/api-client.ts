import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request as requestHttps } from 'node:https';
import type { Credentials } from './credentials.ts';

/** An object as JSON has it. */
export type Raw = Readonly<Record<string, unknown>>;

/** An answer of the API server that is an error, or (status 0) that there was none. */
export class ApiError extends Error {
  /** HTTP status; 0 = the API server was not reached, or did not answer in time. */
  readonly status: number;
  /** The API's word for it: Forbidden, NotFound, Conflict, Expired. Empty where it did not say. */
  readonly reason: string;
  /** Milliseconds that the API server asks to wait (Retry-After); null = it does not. */
  readonly retryAfterMs: number | null;

  constructor(status: number, reason: string, message: string, retryAfterMs: number | null = null) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** One request. */
export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with its query. */
  readonly path: string;
  readonly body?: unknown;
  /** Of the body; application/json unless said otherwise. */
  readonly contentType?: string;
  readonly accept?: string;
  /** Sent as If-None-Match. */
  readonly etag?: string;
}

/** What came back. */
export interface ApiAnswer<T> {
  /** Null for 304. */
  readonly body: T | null;
  readonly etag: string | null;
  /** Now by the API server's clock, milliseconds since 1970; NaN where it does not say. */
  readonly nowMs: number;
}

/** Milliseconds for a whole answer that is not a watch. A page of 500 objects takes some hundred. */
const TIMEOUT_MS = 30_000;
/** Milliseconds for the head of a watch's answer. */
const HEAD_TIMEOUT_MS = 15_000;
/** The longest wait that an API server may ask for, milliseconds. A proxy that is wrong must not keep changes away for a day. */
const MOST_WAIT_MS = 60_000;

/** Speaks to the API server: JSON over HTTPS, one retry with new credentials after a 401. */
export class ApiClient {
  readonly #credentials: Credentials;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** The body of an answer. Rejects with an {@link ApiError}. */
  async call<T>(request: ApiRequest): Promise<T> {
    return (await this.exchange<T>(request)).body as T;
  }

  /** The body of an answer that is no JSON. Rejects with an {@link ApiError}. */
  async text(path: string): Promise<string> {
    return readText(await this.#send({ path, accept: '*/*' }, AbortSignal.timeout(TIMEOUT_MS)));
  }

  /** The answer with its ETag. Rejects with an {@link ApiError}. */
  async exchange<T>(request: ApiRequest): Promise<ApiAnswer<T>> {
    const response = await this.#send(request, AbortSignal.timeout(TIMEOUT_MS));
    const text = await readText(response);
    const etag = response.headers.etag ?? null;
    const nowMs = Date.parse(response.headers.date ?? '');
    if (response.statusCode === 304) return { body: null, etag, nowMs };
    try {
      return { body: JSON.parse(text) as T, etag, nowMs };
    } catch {
      throw new ApiError(0, '', `the API server answered ${request.path} with something that is not JSON`);
    }
  }

  /**
   * Follows a watch: `onLine` gets each event's text as it comes. Resolves when the API server ends it; rejects with an
   * {@link ApiError} where it is refused or breaks, also when `signal` ends it. `onOpen`: the API server has accepted it.
   */
  async watch(
    request: Pick<ApiRequest, 'path' | 'accept'>,
    signal: AbortSignal,
    onOpen: () => void,
    onLine: (line: string) => void,
  ): Promise<void> {
    const head = new AbortController();
    const timer = setTimeout(() => head.abort(), HEAD_TIMEOUT_MS);
    let response: IncomingMessage;
    try {
      response = await this.#send(request, AbortSignal.any([signal, head.signal]));
    } finally {
      clearTimeout(timer);
    }
    onOpen();
    let rest = '';
    response.setEncoding('utf8');
    try {
      for await (const chunk of response as AsyncIterable<string>) {
        const text = rest + chunk;
        let from = 0;
        for (let end = text.indexOf('\n', from); end !== -1; end = text.indexOf('\n', from)) {
          onLine(text.slice(from, end));
          from = end + 1;
        }
        rest = text.slice(from);
      }
    } catch (error) {
      throw error instanceof ApiError ? error : unreached(error, this.#credentials.server);
    }
  }

  async #send(request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const first = await this.#once(request, signal);
    if (first.statusCode !== 401) return accept(first);
    first.resume();
    this.#credentials.renew();
    return accept(await this.#once(request, signal));
  }

  async #once(request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { server } = this.#credentials;
    const { method = 'GET', path, body, contentType = 'application/json', accept: wanted, etag } = request;
    let access: Awaited<ReturnType<Credentials['access']>>;
    try {
      access = await this.#credentials.access();
    } catch (error) {
      throw new ApiError(0, '', `no credentials: ${(error as Error).message}`);
    }
    const payload = body === undefined ? null : Buffer.from(JSON.stringify(body));
    const headers: Record<string, string | number> = {
      ...access.headers,
      accept: wanted ?? 'application/json',
    };
    if (etag !== undefined) headers['if-none-match'] = etag;
    if (payload !== null) {
      headers['content-type'] = contentType;
      // Without it Node sends the body of a DELETE without any length, and the API server answers 400.
      headers['content-length'] = payload.length;
    }
    const options: RequestOptions = {
      agent: access.agent,
      host: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port === '' ? 443 : server.port,
      path: server.pathname.replace(/\/$/, '') + path,
      method,
      headers,
      signal,
    };
    return new Promise((resolve, reject) => {
      const call = requestHttps(options, resolve);
      call.on('error', (error) => reject(unreached(error, server)));
      // A server that vanished without a word is noticed by the kernel, too.
      call.on('socket', (socket) => socket.setKeepAlive(true, 15_000));
      call.end(payload ?? undefined);
    });
  }
}

/** The error that a response is, thrown; else the response. */
async function accept(response: IncomingMessage): Promise<IncomingMessage> {
  const status = response.statusCode ?? 0;
  if (status < 300 || status === 304) return response;
  const text = await readText(response);
  const after = Number(response.headers['retry-after']);
  const said = parseStatus(text);
  throw new ApiError(
    status,
    said.reason,
    said.message === '' ? `${status} ${text.slice(0, 200).trim()}` : said.message,
    Number.isFinite(after) && after > 0 ? Math.min(after * 1000, MOST_WAIT_MS) : null,
  );
}

/** A Status object's reason and message; empty where the text is none. */
function parseStatus(text: string): { reason: string; message: string } {
  try {
    const status = JSON.parse(text) as { reason?: string; message?: string };
    return { reason: status.reason ?? '', message: status.message ?? '' };
  } catch {
    return { reason: '', message: '' };
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch (error) {
    throw new ApiError(0, '', `the answer of the API server broke off: ${(error as Error).message}`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function unreached(error: unknown, server: URL): ApiError {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === 'ABORT_ERR' ? 'it did not answer in time' : message || code;
  return new ApiError(0, '', `the API server ${server.host} cannot be reached: ${why}`);
}
