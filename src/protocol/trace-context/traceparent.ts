const version00 = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** A later version may have more behind what is known (W3C Trace Context, 3.2.4). */
const later = /^(?!00|ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** True if a value of `traceparent` can be followed (W3C Trace Context, 3.2.2); else the trace has to begin anew. */
export function isTraceparent(value: string): boolean {
  return version00.test(value) || later.test(value);
}

/**
 * A `traceparent` that begins a trace.
 * @param bits 24 random bytes as hexadecimal digits. @param sampled the flag that asks services to record it.
 */
export function newTraceparent(bits: string, sampled: boolean): string {
  // Identifiers that are all zero are invalid; so unlikely that any other will do in their place.
  const trace = /^0{32}/.test(bits) ? `1${bits.slice(1, 32)}` : bits.slice(0, 32);
  const parent = /^0{16}$/.test(bits.slice(32, 48)) ? `1${bits.slice(33, 48)}` : bits.slice(32, 48);
  return `00-${trace}-${parent}-${sampled ? '01' : '00'}`;
}
