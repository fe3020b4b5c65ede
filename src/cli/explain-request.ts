import { defaultHttpSettings, type HttpSettings } from '../model/http-settings.ts';
import type { Route } from '../model/route.ts';
import type { Snapshot, VirtualHost } from '../model/snapshot.ts';
import { stuckMember } from '../proxy/sticky-draw.ts';
import type { RouteRequest } from '../routing/index.ts';
import {
  normalisePath,
  RouteIndex,
  RouteMatchResult,
  redirectLocation,
  rewritePath,
  secureLocation,
} from '../routing/index.ts';

/** A request that is asked about. `path` may have a query. */
export interface AskedRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly scheme: 'http' | 'https';
}

/** Where a part of the request's probability goes. */
export interface ExplainedBackend {
  /** Null: no route, or an answer of the gateway's own. */
  readonly service: string | null;
  /** Where a Canary divides the service: the version that this share is for. */
  readonly version?: string;
  readonly share: number;
  readonly role?: string;
  readonly mapping?: string;
  readonly rewrite?: string;
  /** Status and reason of an answer of the gateway's own. */
  readonly answer?: { readonly status: number; readonly grpcStatus: number; readonly message: string };
}

/** What becomes of a request. */
export interface Explanation {
  readonly route: string | null;
  readonly rewrite: string | null;
  readonly backends: readonly ExplainedBackend[];
  readonly redirect?: { readonly status: number; readonly location: string };
  readonly virtualHost?: string;
  readonly blocked?: string;
  readonly note?: string;
  /** Present where not every client may call. */
  readonly clients?: string;
}

/** An index over all routes of a snapshot. */
export function indexSnapshot(snapshot: Snapshot): RouteIndex {
  const index = new RouteIndex();
  index.setVirtualHosts(snapshot.virtualHosts);
  for (const route of snapshot.routes.values()) index.set(route);
  return index;
}

/** Says what the data plane does with a request, with the very code that it uses. */
export function explainRequest(
  index: RouteIndex,
  asked: AskedRequest,
  http: HttpSettings = defaultHttpSettings,
): Explanation {
  const explained = explainAdmitted(index, asked, http);
  const { addressRules } = http;
  if (addressRules.length === 0) return explained;
  const none = addressRules.some(({ action, peer, remote }) => {
    return action === 'allow' && peer.length + remote.length === 0;
  });
  const clients = none
    ? 'none may call (403): the ip_allow or ip_deny of a Module cannot be read'
    : 'only those that ip_allow and ip_deny let through; the others get 403';
  return { ...explained, clients };
}

function explainAdmitted(index: RouteIndex, asked: AskedRequest, http: HttpSettings): Explanation {
  const mark = asked.path.indexOf('?');
  const normal = normalisePath(mark === -1 ? asked.path : asked.path.slice(0, mark), http.path);
  if ('error' in normal)
    return { route: null, rewrite: null, backends: [answer(1, 400, 13, 'the path is refused: bad path')] };
  const query = mark === -1 ? '' : asked.path.slice(mark + 1);
  const headers = new Map(Object.entries(asked.headers).map(([name, value]) => [name.toLowerCase(), value]));
  const request: RouteRequest = {
    host: asked.host,
    path: normal.path,
    query,
    method: asked.method,
    header: (name) => headers.get(name) ?? (name === 'host' ? asked.host : undefined),
  };
  const suffix = mark === -1 ? '' : `?${query}`;
  const out = new RouteMatchResult();
  index.match(request, null, null, out);
  const { route, virtualHost } = out;
  if (route === null) return noRoute(index, request, virtualHost);
  const place = virtualHost === null || virtualHost.name === '*' ? {} : { virtualHost: virtualHost.name };
  if (asked.scheme === 'http' && virtualHost?.insecureAction === 'reject') {
    return {
      ...noRoute(index, request, virtualHost),
      note: `Host ${virtualHost.name} rejects insecure requests`,
    };
  }
  const facts = { scheme: asked.scheme, host: asked.host, path: normal.path, query };
  if (asked.scheme === 'http' && virtualHost?.insecureAction === 'redirect') {
    const redirect = { status: 301, location: secureLocation(facts) };
    return { route: route.name, rewrite: null, redirect, backends: [], ...place };
  }
  const blocked = route.blocked === null ? {} : { blocked: route.blocked.message };
  if (route.action.kind === 'redirect') {
    const { redirect } = route.action;
    const location = redirectLocation(redirect, facts);
    return {
      route: route.name,
      rewrite: null,
      redirect: { status: redirect.status, location },
      backends: [],
      ...place,
      ...blocked,
    };
  }
  const backends = divide(index, request, route, suffix);
  const rewrite = backends.find((backend) => backend.rewrite !== undefined)?.rewrite ?? null;
  return { route: route.name, rewrite, backends, ...place, ...blocked };
}

function noRoute(index: RouteIndex, request: RouteRequest, virtualHost: VirtualHost | null): Explanation {
  const base = { route: null, rewrite: null, backends: [{ service: null, share: 1 }] };
  if (virtualHost === null) return { ...base, note: 'no Host covers this host' };
  if (!index.matchesWithoutPort(request, null)) return base;
  return { ...base, note: 'the host without its port would find a route' };
}

/** Follows the split, and what falls through, to the end. Each route draws anew, so shares multiply. */
function divide(index: RouteIndex, request: RouteRequest, first: Route, suffix: string): ExplainedBackend[] {
  const backends: ExplainedBackend[] = [];
  const out = new RouteMatchResult();
  let share = 1;
  let route: Route | null = first;
  while (route !== null) {
    const { action } = route as Route;
    if (action.kind === 'redirect') {
      const { status } = action.redirect;
      backends.push(answer(share, status, 12, `redirected by ${route.name}`));
      return backends;
    }
    if (action.kind === 'respond') {
      backends.push(
        answer(share, action.response.status, action.response.grpcStatus, action.response.message),
      );
      return backends;
    }
    const { denominator, members } = action.split;
    const stuck = stuckMember(action.split, request.header);
    let next = 0;
    for (const [at, member] of members.entries()) {
      if (stuck !== null && at !== stuck) continue;
      const part = stuck === null ? (share * member.share) / denominator : share;
      if (member.kind === 'next') next += part;
      else if (member.kind === 'respond') {
        const { status, grpcStatus, message } = member.response;
        if (part > 0) backends.push(answer(part, status, grpcStatus, message));
      } else {
        const { service, subset, name, rewrite } = member.backend;
        const version = subset == null ? {} : { version: subset.value };
        const path = rewritePath(rewrite, request.path) + suffix;
        backends.push({ service, ...version, share: part, role: member.role, mapping: name, rewrite: path });
      }
    }
    if (next === 0) return backends;
    share = next;
    index.match(request, null, route, out);
    route = out.route;
  }
  backends.push({ service: null, share });
  return backends;
}

function answer(share: number, status: number, grpcStatus: number, message: string): ExplainedBackend {
  return { service: null, share, answer: { status, grpcStatus, message } };
}
