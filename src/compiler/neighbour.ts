/**
 * Which of the old items an item is the successor of: the one with its identity, else (identity unreadable) the
 * one in the same place among its neighbours, if that one is not present any more. Null if there is none.
 */
export function neighbourOf(
  items: readonly (string | null)[],
  index: number,
  olds: readonly (string | null)[],
): number | null {
  const identity = items[index];
  if (identity !== null && identity !== undefined) {
    const same = olds.indexOf(identity);
    if (same !== -1) return same;
  }
  let anchor = index - 1;
  while (anchor >= 0 && (items[anchor] == null || !olds.includes(items[anchor]!))) anchor--;
  const start = anchor < 0 ? -1 : olds.indexOf(items[anchor]!);
  const candidate = start + (index - anchor);
  if (candidate >= olds.length) return null;
  const old = olds[candidate]!;
  // A document with another readable name is another document: it takes nothing over from one that is gone.
  if (identity !== null && identity !== undefined && old !== null) return null;
  return old !== null && items.includes(old) ? null : candidate;
}
