/** Who may read a route's answers from another origin (WHATWG Fetch, CORS protocol); Ambassador's `cors`. */
export interface Cors {
  /** Exact origins, compared as they are written; `*` stands for all. */
  readonly origins: readonly string[];
  /** Values of the answer to a preflight and of the others, as they are sent; '' = none. */
  readonly methods: string;
  readonly headers: string;
  readonly exposedHeaders: string;
  readonly credentials: boolean;
  /** Seconds for which a preflight may be remembered, as it is sent; '' = the browser's default. */
  readonly maxAge: string;
}
