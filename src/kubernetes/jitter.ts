/** Between half of a time and all of it, so that a fleet does not do the same thing at the same moment. */
export function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}
