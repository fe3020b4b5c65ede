/** The suites of TLS 1.3, which no context chooses among; without them OpenSSL would speak TLS 1.2 alone. */
const suites13 = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'];

/** Those of a context's cipher suites that are TLS 1.2's. */
export function suites12(names: readonly string[]): string[] {
  return names.filter((name) => !name.toUpperCase().startsWith('TLS_'));
}

/** OpenSSL's list of these suites of TLS 1.2 and all of TLS 1.3. */
export function cipherList(suites: readonly string[]): string {
  return [...suites13, ...suites].join(':');
}
