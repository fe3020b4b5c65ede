import type { PathMatch } from '../../model/path.ts';
import type { Redirect } from '../../model/route.ts';
import { isMap } from '../field-types.ts';
import { replacePath } from './mapping-rewrite.ts';
import type { ServiceAddress } from './service-address.ts';

/** Statuses that redirect_response_code may have. */
export const redirectCodes: readonly number[] = [301, 302, 303, 307, 308];

/** The redirect that a Mapping asks for, or null. path_redirect beats prefix_redirect beats regex_redirect. */
export function readRedirect(
  fields: Readonly<Record<string, unknown>>,
  path: PathMatch,
  service: ServiceAddress,
): Redirect | null {
  const { host_redirect, path_redirect, prefix_redirect, regex_redirect } = fields;
  const toHost = host_redirect === true;
  const toPath = typeof path_redirect === 'string' && path_redirect !== '' ? path_redirect : null;
  const toPrefix = typeof prefix_redirect === 'string' && prefix_redirect !== '' ? prefix_redirect : null;
  const regex = isMap(regex_redirect) && typeof regex_redirect.pattern === 'string' ? regex_redirect : null;
  if (!toHost && toPath === null && toPrefix === null && regex === null) return null;
  const base = {
    status: typeof fields.redirect_response_code === 'number' ? fields.redirect_response_code : 301,
    scheme: service.scheme,
    host: toHost ? service.host + (service.port === null ? '' : `:${service.port}`) : null,
    path: toPath,
  };
  if (toPath !== null) return base;
  if (toPrefix !== null) return { ...base, rewrite: replacePath(path, toPrefix) };
  if (regex === null) return base;
  const [pattern, substitution] = [String(regex.pattern), String(regex.substitution ?? '')];
  return { ...base, rewrite: { kind: 'regex', pattern, substitution } };
}
