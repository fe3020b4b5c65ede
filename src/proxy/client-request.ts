import type { Chunk } from '../protocol/hpack/arena.ts';
import { decodePlain, encodePlain, type PlainField } from '../protocol/hpack/plain.ts';
import { decodeLines, encodeLines } from '../protocol/http1/lines.ts';
import type { RouteRequest } from '../routing/index.ts';
import type { Gateway } from './gateway.ts';
import { KeptRequest } from './kept-request.ts';
import type { AuthorityInfo, PathInfo } from './path-info.ts';
import { fieldValue } from './request-head.ts';
import type { Downstream } from './sides.ts';

/** The request as the client has sent it, and what routing asks of it: the base of `Exchange`, so that a call stays one object. */
export abstract class ClientRequest extends KeptRequest implements RouteRequest {
  readonly gateway: Gateway;
  downstream: Downstream;
  readonly listener: string;
  /** The client's IP address, after the proxies that are believed; '' where the head could not be used. */
  client = '';
  readonly pathInfo: PathInfo;
  readonly authority: AuthorityInfo;
  readonly method: string;
  /** The client's `grpc-timeout` in ms, or -1. */
  readonly timeoutMs: number;
  /** The head is kept as lines of HTTP/1.1, and not as a plain block. */
  readonly lines: boolean;
  /** Bytes of the body that the head announces, or -1. */
  contentLength: number;
  /** The protocols that the client asks to go on in, or ''; the one that is sent on, once there is a backend. */
  upgrade: string;
  /** The request's end came from the client. */
  requestEnded: boolean;
  /** The request's fields, decoded when a route looks at one. */
  #fields: readonly PlainField[] | null = null;

  /**
   * @param chunk memory that the head lies in, already counted as live.
   * @param reserved bytes behind the head that are free for the beginning of the body.
   */
  constructor(
    gateway: Gateway,
    downstream: Downstream,
    listener: string,
    path: PathInfo,
    authority: AuthorityInfo,
    method: string,
    grpc: boolean,
    timeoutMs: number,
    lines: boolean,
    contentLength: number,
    upgrade: string,
    fin: boolean,
    chunk: Chunk,
    headStart: number,
    headEnd: number,
    reserved: number,
  ) {
    super(grpc, gateway.loop.now, gateway.arena, chunk, headStart, headEnd, reserved);
    this.gateway = gateway;
    this.downstream = downstream;
    this.listener = listener;
    this.pathInfo = path;
    this.authority = authority;
    this.method = method;
    this.timeoutMs = timeoutMs;
    this.lines = lines;
    this.contentLength = contentLength;
    this.upgrade = upgrade;
    this.requestEnded = fin;
  }

  get host(): string {
    return this.authority.text;
  }

  get path(): string {
    return this.pathInfo.path;
  }

  get query(): string {
    return this.pathInfo.query.slice(1);
  }

  /** Value of a request header (several lines joined with ","), undefined when it is not there. */
  header(name: string): string | undefined {
    if (name === 'host' || name === ':authority') return this.authority.text;
    return fieldValue(this.fields, name);
  }

  /** The fields that go on, names in lower case; only before it is sent. */
  get fields(): readonly PlainField[] {
    this.#fields ??= (this.lines ? decodeLines : decodePlain)(
      this.chunk!.bytes,
      this.headStart,
      this.headEnd,
    );
    return this.#fields;
  }

  /** Others in their place; nothing of the body has come yet. */
  replaceFields(fields: readonly PlainField[]): void {
    this.replaceHead((this.lines ? encodeLines : encodePlain)(fields));
    this.#fields = fields;
  }
}
