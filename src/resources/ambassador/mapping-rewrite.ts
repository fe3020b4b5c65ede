import type { PathMatch, PathRewrite } from '../../model/path.ts';
import { isMap } from '../field-types.ts';

/** What a Mapping sends upstream in place of the path: rewrite "/" where nothing is written, "" for "as it came". */
export function readRewrite(fields: Readonly<Record<string, unknown>>, path: PathMatch): PathRewrite {
  const regex = fields.regex_rewrite;
  if (isMap(regex) && typeof regex.pattern === 'string' && regex.pattern !== '') {
    return { kind: 'regex', pattern: regex.pattern, substitution: String(regex.substitution ?? '') };
  }
  const rewrite = typeof fields.rewrite === 'string' ? fields.rewrite : '/';
  return replacePath(path, rewrite);
}

/** Replaces what the path match stands for by `to`: the prefix, or the whole path where the match is of the whole. */
export function replacePath(path: PathMatch, to: string): PathRewrite {
  if (to === '') return { kind: 'keep' };
  if (path.kind !== 'prefix') return { kind: 'whole', to };
  if (to === path.value && !path.ignoreCase) return { kind: 'keep' };
  return { kind: 'prefix', length: path.value.length, to };
}

/** True if a gRPC method's path loses its service name on the way. */
export function breaksGrpc(rewrite: PathRewrite, path: PathMatch): boolean {
  if (rewrite.kind === 'keep' || rewrite.kind === 'regex') return false;
  if (path.kind === 'prefix' && rewrite.kind === 'prefix') return rewrite.to !== path.value;
  return path.kind === 'regex' || rewrite.to !== path.value;
}
