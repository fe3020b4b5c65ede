/** What a decoder has found in a request's head. */
export interface RequestFields {
  readonly method: string;
  readonly scheme: string;
  /** `:protocol` (RFC 8441 4), or ''. */
  readonly protocol: string;
  readonly path: { readonly text: string } | null;
  readonly authority: { readonly text: string } | null;
  readonly host: { readonly text: string } | null;
  /** -1 = none. */
  readonly contentLength: number;
}

/**
 * RFC 9113 8.3.1 and 8.5: which pseudo-header fields a request must have and which it may not; and 8.1.1: none that ends with
 * its head has a body to come. `:authority` and `host` may not name two hosts. False: the request is malformed.
 */
export function isCompleteRequest(fields: RequestFields, fin: boolean): boolean {
  const { method, scheme, path, authority, host } = fields;
  if (method === '') return false;
  if (fin && fields.contentLength > 0) return false;
  if (fields.protocol !== '') {
    // An extended CONNECT has what other requests have, and an open end.
    if (method !== 'CONNECT' || authority === null || fin) return false;
  } else if (method === 'CONNECT') return path === null && scheme === '' && authority !== null;
  if (path === null || path.text === '' || scheme === '') return false;
  if (path.text.charCodeAt(0) !== 0x2f && !(path.text === '*' && method === 'OPTIONS')) return false;
  if (authority === null || host === null) return true;
  return authority.text.toLowerCase() === host.text.toLowerCase();
}
