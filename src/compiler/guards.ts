import type { HostMatch } from '../model/match.ts';
import type { PathMatch } from '../model/path.ts';
import type { FixedResponse } from '../model/split.ts';
import type { GuardedPart } from '../resources/ambassador/guard.ts';
import type { Mapping } from '../resources/ambassador/mapping.ts';
import type { GroupContext } from './group.ts';

/**
 * The answer that a route gives because something that should guard it is not served; null if nothing does.
 * bypass_auth lets a route past an AuthService or FilterPolicy; a redirect needs no authentication. In doubt it is
 * closed. (Client certificates are the handshake's business.)
 */
export function blockedBy(
  mapping: Mapping,
  isRedirect: boolean,
  context: GroupContext,
): FixedResponse | null {
  if (context.unguarded) return null;
  const { guards } = context.globals;
  const { host, path } = mapping.match.route;
  const guard =
    mapping.bypassAuth || isRedirect
      ? undefined
      : guards.find(({ parts }) => parts.some((part) => covers(part, host, path)));
  return guard === undefined ? null : closed(`${guard.guardKind} ${guard.meta.name}`);
}

function closed(guard: string): FixedResponse {
  const message = `${guard} guards this route and is not served yet (--unguarded serves it without)`;
  return { status: 403, grpcStatus: 7, message, reason: 'blocked' };
}

/** True if some request could be both the route's and the guard's. */
function covers(part: GuardedPart, host: HostMatch, path: PathMatch): boolean {
  return coversHost(part.host, host) && coversPath(part.path, path);
}

function coversHost(glob: string, host: HostMatch): boolean {
  if (glob === '*' || host.kind !== 'exact') return true;
  return (
    globTest(glob.toLowerCase(), host.value.toLowerCase()) ||
    globTest(glob.toLowerCase(), host.value.toLowerCase().replace(/:\d+$/, ''))
  );
}

function coversPath(glob: string, path: PathMatch): boolean {
  if (glob === '*' || path.kind === 'regex' || path.ignoreCase) return true;
  if (path.kind === 'exact') return globTest(glob, path.value);
  const star = glob.search(/[*?]/);
  const literal = star === -1 ? glob : glob.slice(0, star);
  return literal.startsWith(path.value) || path.value.startsWith(literal);
}

function globTest(glob: string, value: string): boolean {
  const parts = glob.split('*');
  if (parts.length === 1) return glob === value;
  if (!value.startsWith(parts[0]!)) return false;
  let at = parts[0]!.length;
  for (const part of parts.slice(1, -1)) {
    const next = value.indexOf(part, at);
    if (next === -1) return false;
    at = next + part.length;
  }
  const last = parts.at(-1)!;
  return value.length - last.length >= at && value.endsWith(last);
}
