/** Milliseconds of a unit, by its letter's code; 0 = it is no unit. */
const unitMs = new Float64Array(128);
for (const [letter, ms] of [
  ['H', 3_600_000],
  ['M', 60_000],
  ['S', 1000],
  ['m', 1],
  ['u', 0.001],
  ['n', 0.000001],
] as const) {
  unitMs[letter.charCodeAt(0)] = ms;
}

/** No usable `grpc-timeout`: none was sent, or it is malformed and then means nothing to the gateway. */
export const noTimeout = -1;

/**
 * Milliseconds of the `grpc-timeout` in `bytes[start, end)` (1 to 8 digits and a unit; gRPC over HTTP/2,
 * "Timeout"), rounded up, at most 2^31-1; {@link noTimeout} when it is not of that form.
 */
export function parseGrpcTimeout(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 2 || length > 9) return noTimeout;
  let digits = 0;
  for (let i = start; i < end - 1; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return noTimeout;
    digits = digits * 10 + digit;
  }
  const unit = unitMs[bytes[end - 1]! & 0x7f]!;
  if (unit === 0 || bytes[end - 1]! > 0x7f) return noTimeout;
  return Math.min(Math.ceil(digits * unit), 0x7fffffff);
}
