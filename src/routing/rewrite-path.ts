import { substitute } from '../lib/regex.ts';
import type { PathRewrite } from '../model/path.ts';

/** The path that is sent in place of `path` (normalised, without query). The query is the caller's to keep. */
export function rewritePath(rewrite: PathRewrite, path: string): string {
  switch (rewrite.kind) {
    case 'keep':
      return path;
    case 'prefix':
      return rewrite.to + path.slice(rewrite.length);
    case 'whole':
      return rewrite.to;
    case 'regex':
      return substitute(rewrite.pattern, rewrite.substitution, path);
  }
}
