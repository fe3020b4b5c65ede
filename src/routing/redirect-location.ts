import type { Redirect } from '../model/route.ts';
import { rewritePath } from './rewrite-path.ts';

/** What a redirect needs to know of a request. */
export interface RedirectedRequest {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  /** Normalised, without query. */
  readonly path: string;
  /** Without "?". */
  readonly query: string;
}

/** The Location of a redirect. The query is kept, except where path_redirect gives a path of its own. */
export function redirectLocation(redirect: Redirect, request: RedirectedRequest): string {
  const origin = `${redirect.scheme ?? request.scheme}://${redirect.host ?? request.host}`;
  if (redirect.path !== null) return origin + redirect.path;
  const path = redirect.rewrite === undefined ? request.path : rewritePath(redirect.rewrite, request.path);
  return origin + path + (request.query === '' ? '' : `?${request.query}`);
}

/** Where an insecure request is sent by a Host's Redirect: the same address with https, without the port. */
export function secureLocation(request: RedirectedRequest): string {
  const host = request.host.replace(/:\d+$/, '');
  return `https://${host}${request.path}${request.query === '' ? '' : `?${request.query}`}`;
}
