/** What the bytes that come next on a client's connection are. */
export const input = {
  head: 0,
  /** The body of a request; behind a complete answer it is still read, so that the next request is found. */
  body: 1,
  /** The request is whole; what comes is the next one, and waits. */
  ended: 2,
  /** Nothing is read any more; the connection is about to close. */
  deaf: 3,
} as const;
