import type { TlsFailure } from '../../metrics/catalog.ts';

/** OpenSSL's words in the codes of Node's errors, by what they mean here; the first that fits. */
const meanings: readonly (readonly [RegExp, TlsFailure])[] = [
  [/PEER_DID_NOT_RETURN_A_CERTIFICATE/, 'client_certificate'],
  [/UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|WRONG_VERSION_NUMBER|WRONG_SSL_VERSION/, 'version'],
  [/NO_SHARED|NO_SUITABLE|NO_CIPHERS/, 'algorithm'],
  [/NO_APPLICATION_PROTOCOL/, 'protocol'],
  [/ALERT/, 'alert'],
  [/^(ECONNRESET|EPIPE|ECONNABORTED|ETIMEDOUT)$/, 'closed'],
  [/^ERR_TLS_HANDSHAKE_TIMEOUT$/, 'timeout'],
  [/^ERR_SSL_|^EPROTO$/, 'malformed'],
];

/** What an error of a handshake is counted as. */
export function tlsFailureOf({ code }: NodeJS.ErrnoException): TlsFailure {
  return meanings.find(([pattern]) => pattern.test(code ?? ''))?.[1] ?? 'other';
}
