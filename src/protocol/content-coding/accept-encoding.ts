import type { ContentCoding } from '../../model/http-settings.ts';

/** A weight of RFC 9110 12.4.2 in thousandths; one that is none counts as "not acceptable". */
function weightOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [name, value = ''] = parameter.split('=');
    if (name!.trim().toLowerCase() !== 'q') continue;
    const weight = value.trim();
    return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Math.round(Number(weight) * 1000) : 0;
  }
  return 1000;
}

/**
 * The coding to answer in, by Accept-Encoding (RFC 9110 12.5.3): the one that the client likes best, and of those that it
 * likes alike the first on offer. Null = as it is: nothing on offer is acceptable, `identity` is liked better, or the client
 * has not said anything.
 */
export function chooseCoding(
  accepts: string | undefined,
  offered: readonly ContentCoding[],
): ContentCoding | null {
  if (accepts === undefined) return null;
  const weights = new Map<string, number>();
  for (const item of accepts.toLowerCase().split(',')) {
    const [coding, ...parameters] = item.split(';');
    const name = coding!.trim();
    // RFC 9110 8.4.1.3: x-gzip is gzip.
    if (name !== '') weights.set(name === 'x-gzip' ? 'gzip' : name, weightOf(parameters));
  }
  const rest = weights.get('*') ?? 0;
  let best: ContentCoding | null = null;
  let most = 0;
  for (const coding of offered) {
    const weight = weights.get(coding) ?? rest;
    if (weight <= most) continue;
    best = coding;
    most = weight;
  }
  return (weights.get('identity') ?? 0) > most ? null : best;
}
