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
    default:
      return why === '' ? 'closed the connection' : why;
  }
}
