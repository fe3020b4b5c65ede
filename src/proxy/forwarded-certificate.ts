/** What an element of x-forwarded-client-cert says; Envoy's manual, "x-forwarded-client-cert". */
export interface ForwardedCertificate {
  /** URIs of our own certificate. */
  readonly by: readonly string[];
  /** SHA-256 of the client's certificate, hexadecimal. */
  readonly hash: string;
  /** PEM; null = not wanted. */
  readonly cert: string | null;
  readonly chain: string | null;
  /** RFC 2253. */
  readonly subject: string | null;
  readonly uri: readonly string[];
  readonly dns: readonly string[];
}

/** The element, its keys in Envoy's order. */
export function certificateElement({
  by,
  hash,
  cert,
  chain,
  subject,
  uri,
  dns,
}: ForwardedCertificate): string {
  const pairs = [...by.map((one) => `By=${valueOf(one)}`), `Hash=${hash}`];
  if (cert !== null) pairs.push(`Cert="${encodeURIComponent(cert)}"`);
  if (chain !== null) pairs.push(`Chain="${encodeURIComponent(chain)}"`);
  // What RFC 2253 escapes includes the quote.
  if (subject !== null) pairs.push(`Subject="${subject}"`);
  for (const one of uri) pairs.push(`URI=${valueOf(one)}`);
  for (const one of dns) pairs.push(`DNS=${valueOf(one)}`);
  return pairs.join(';');
}

/** A value that could be read as more than itself stands in quotes; what no header can hold is percent-encoded. */
function valueOf(text: string): string {
  const visible = text.replace(/[^\x21-\x7e]/gu, (c) => bytesOf(c, '%'));
  return /[",;=\\]/.test(visible) ? `"${visible.replace(/["\\]/g, '\\$&')}"` : visible;
}

/** A certificate in PEM (RFC 7468). */
export function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/**
 * A subject as RFC 2253 writes it, the last part first. Node gives it in lines, with the same escapes but what is not
 * ASCII, which is escaped byte by byte here, as OpenSSL does.
 */
export function subjectOf(subject: string): string {
  return subject
    .split('\n')
    .reverse()
    .map((part) => part.replaceAll(' + ', '+'))
    .join(',')
    .replace(/[^\x20-\x7e]/gu, (c) => bytesOf(c, '\\'));
}

/** The bytes of a character, each as two digits behind `mark`. */
function bytesOf(c: string, mark: string): string {
  const hex = (byte: number): string => `${mark}${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return Array.from(new TextEncoder().encode(c), hex).join('');
}

/** DNS names and URIs of a subjectAltName as Node writes it: `DNS:a, URI:b`, quoted (JSON) where a value is ambiguous. */
export function alternativeNames(text: string): { readonly dns: string[]; readonly uri: string[] } {
  const found = { dns: [] as string[], uri: [] as string[] };
  const item = /([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;
  for (const [, kind, value] of text.matchAll(item)) {
    const plain = value!.startsWith('"') ? (JSON.parse(value!) as string) : value!;
    if (kind === 'DNS') found.dns.push(plain);
    else if (kind === 'URI') found.uri.push(plain);
  }
  return found;
}
