import type { HeaderEdits } from '../model/backend.ts';
import type { Cors } from '../model/cors.ts';
import type { Exchange } from './exchange.ts';

/** What CORS comes to for one request. */
export interface CorsDecision {
  /** Put into the answer, whoever gives it. */
  readonly edits: HeaderEdits;
  /** The request is a preflight: it is answered here, and asks for nothing else. */
  readonly preflight: boolean;
}

/**
 * Decides as Envoy's filter does (WHATWG Fetch, CORS protocol): an origin that is not allowed, or none, changes nothing;
 * then what the service itself says goes through, and an allowed one replaces it. Null = nothing to do.
 */
export function decideCors(cors: Cors, exchange: Exchange): CorsDecision | null {
  const origin = exchange.header('origin');
  if (origin === undefined) return null;
  if (!cors.origins.includes('*') && !cors.origins.includes(origin)) return null;
  const preflight =
    exchange.method === 'OPTIONS' && exchange.header('access-control-request-method') !== undefined;
  const fields: [name: string, value: string][] = [
    ['access-control-allow-origin', origin],
    ['access-control-allow-credentials', cors.credentials ? 'true' : ''],
  ];
  if (preflight) {
    fields.push(
      ['access-control-allow-methods', cors.methods],
      ['access-control-allow-headers', cors.headers],
    );
    fields.push(['access-control-max-age', cors.maxAge]);
  } else fields.push(['access-control-expose-headers', cors.exposedHeaders]);
  const add = fields.flatMap(([name, value]) => (value === '' ? [] : [{ name, value, append: false }]));
  // A cache must not give one origin's answer to another.
  add.push({ name: 'vary', value: 'Origin', append: true });
  return { edits: { remove: [], add }, preflight };
}
