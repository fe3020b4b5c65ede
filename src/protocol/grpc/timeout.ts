const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000001,
};

/** No usable `grpc-timeout`: none was sent, or it is malformed and then means nothing to the gateway. */
export const noTimeout = -1;

/**
 * Milliseconds of a `grpc-timeout` (1 to 8 digits and a unit; gRPC over HTTP/2, "Timeout"), rounded up, at
 * most 2^31-1; {@link noTimeout} when it is not of that form.
 */
export function parseGrpcTimeout(text: string): number {
  if (text.length < 2 || text.length > 9) return noTimeout;
  let digits = 0;
  for (let i = 0; i < text.length - 1; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return noTimeout;
    digits = digits * 10 + digit;
  }
  const unit = unitMs[text[text.length - 1]!];
  if (unit === undefined) return noTimeout;
  return Math.min(Math.ceil(digits * unit), 0x7fffffff);
}
