/**
 * A radix trie from literal prefixes to lists: yields the lists of all prefixes of a text in one walk over it, in
 * O(length), with no scan over what does not begin like it.
 */
export class PathTrie<T> {
  readonly #root: TrieNode<T> = new TrieNode<T>('');

  /** The value stored at exactly `key`, made by `create` if there is none. */
  ensure(key: string, create: () => T): T {
    let node = this.#root;
    let at = 0;
    for (;;) {
      if (at === key.length) {
        node.value ??= create();
        return node.value;
      }
      const child = node.children?.get(key.charCodeAt(at));
      if (child === undefined) {
        const leaf = new TrieNode<T>(key.slice(at));
        node.add(leaf);
        leaf.value = create();
        return leaf.value;
      }
      const common = commonLength(child.label, key, at);
      node = common === child.label.length ? child : node.split(child, common);
      at += common;
    }
  }

  /** The value stored at exactly `key`, or undefined. */
  get(key: string): T | undefined {
    let node: TrieNode<T> | undefined = this.#root;
    let at = 0;
    while (node !== undefined && at < key.length) {
      node = node.children?.get(key.charCodeAt(at));
      if (node === undefined || !key.startsWith(node.label, at)) return undefined;
      at += node.label.length;
    }
    return node?.value;
  }

  /** Removes the value at `key`; nodes that hold nothing any more go with it. */
  delete(key: string): void {
    this.#remove(this.#root, key, 0);
  }

  #remove(node: TrieNode<T>, key: string, at: number): void {
    if (at === key.length) {
      node.value = undefined;
      return;
    }
    const child = node.children?.get(key.charCodeAt(at));
    if (child === undefined || !key.startsWith(child.label, at)) return;
    this.#remove(child, key, at + child.label.length);
    if (child.value === undefined && child.children === null) node.drop(child);
  }

  /** Appends the values of all keys that `text` begins with to `into`, the shortest first. */
  collect(text: string, into: T[]): void {
    let node: TrieNode<T> = this.#root;
    let at = 0;
    for (;;) {
      if (node.value !== undefined) into.push(node.value);
      if (at === text.length) return;
      const child = node.children?.get(text.charCodeAt(at));
      if (child === undefined || !text.startsWith(child.label, at)) return;
      at += child.label.length;
      node = child;
    }
  }
}

class TrieNode<T> {
  label: string;
  value: T | undefined = undefined;
  /** By the first character code of their labels. */
  children: Map<number, TrieNode<T>> | null = null;

  constructor(label: string) {
    this.label = label;
  }

  add(child: TrieNode<T>): void {
    this.children ??= new Map();
    this.children.set(child.label.charCodeAt(0), child);
  }

  drop(child: TrieNode<T>): void {
    this.children?.delete(child.label.charCodeAt(0));
    if (this.children?.size === 0) this.children = null;
  }

  /** Puts a node in front of `child` that has the first `length` characters of its label. */
  split(child: TrieNode<T>, length: number): TrieNode<T> {
    const middle = new TrieNode<T>(child.label.slice(0, length));
    child.label = child.label.slice(length);
    middle.add(child);
    this.add(middle);
    return middle;
  }
}

function commonLength(label: string, key: string, at: number): number {
  const end = Math.min(label.length, key.length - at);
  let n = 0;
  while (n < end && label.charCodeAt(n) === key.charCodeAt(at + n)) n++;
  return n;
}
