/** In words, why a connection was not made or got lost. @param why an error's code, words, or ''. */
export function reasonOf(why: string): string {
  switch (why) {
    case 'ECONNREFUSED':
      return 'refused the connection';
    case 'ETIMEDOUT':
    case 'connect timeout':
      return 'did not answer in time';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'cannot be reached';
    case 'ECONNRESET':
      return 'reset the connection';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'showed a certificate for another name';
    case 'CERT_HAS_EXPIRED':
      return 'showed a certificate that has expired';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_GET_ISSUER_CERT':
      return `showed a certificate of an authority that is not trusted (${why})`;
    default:
      return why === '' ? 'closed the connection' : why;
  }
}
