/** What reading depends on beside the text. */
export interface ReadContext {
  /** Whose objects are read. */
  readonly ambassadorIds: readonly string[];
  /** Only to warn of variables that Ambassador would have replaced. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}
