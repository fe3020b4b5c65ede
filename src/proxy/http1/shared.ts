import type { Arena } from '../../protocol/hpack/arena.ts';
import { plainText, ValueCache, type WireValue } from '../../protocol/hpack/value-cache.ts';
import { RequestHead } from '../../protocol/http1/request-head.ts';
import { ResponseHead } from '../../protocol/http1/response-head.ts';
import { TrailerSection } from '../../protocol/http1/trailers.ts';
import type { Limits } from '../limits.ts';
import { type AuthorityInfo, PathInfo } from '../path-info.ts';

/** What all HTTP/1.1 connections of a worker share: the readers, whose values are those of the last message. */
export class Http1Shared {
  readonly requests: RequestHead<PathInfo, AuthorityInfo>;
  readonly responses: ResponseHead;
  readonly trailers: TrailerSection;

  constructor(arena: Arena, limits: Limits) {
    const section = { maxListBytes: limits.header_list_bytes, maxFields: limits.header_fields };
    this.requests = new RequestHead({
      ...section,
      arena,
      // Keyed by the text as it came, where HTTP/2's are keyed by string literals: two caches.
      paths: new ValueCache(65_536, (wire) => new PathInfo(wire), plainText),
      authorities: new ValueCache(1024, (wire: WireValue) => wire, plainText),
      maxTarget: limits.target_bytes,
    });
    this.responses = new ResponseHead(section);
    this.trailers = new TrailerSection(section);
  }
}
