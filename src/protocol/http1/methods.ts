/** Methods that are known by their bytes, so that no string is made for them. */
const known = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE'];
const byFirst: { readonly text: string; readonly bytes: Buffer }[][] = Array.from({ length: 128 }, () => []);
for (const text of known) byFirst[text.charCodeAt(0)]!.push({ text, bytes: Buffer.from(text, 'latin1') });

/** The method in `bytes[start, end)`, a token. Methods are case-sensitive (RFC 9110 9.1). */
export function methodOf(bytes: Buffer, start: number, end: number): string {
  const candidates = byFirst[bytes[start]!]!;
  for (let n = 0; n < candidates.length; n++) {
    const candidate = candidates[n]!;
    if (candidate.bytes.length === end - start && same(candidate.bytes, bytes, start)) return candidate.text;
  }
  return bytes.toString('latin1', start, end);
}

function same(method: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < method.length; i++) if (method[i] !== bytes[start + i]) return false;
  return true;
}

/** RFC 9110 9.2.2: the methods that may be sent again when nobody knows whether they were acted upon. */
export function isIdempotent(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
    case 'TRACE':
    case 'PUT':
    case 'DELETE':
      return true;
    default:
      return false;
  }
}
