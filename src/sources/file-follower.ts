import { type FSWatcher, lstatSync, statSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { findFiles } from './find-files.ts';
import { type FileChange, readFile } from './read-file.ts';

/** A file that is being written is read when it has been quiet for so long, in milliseconds. */
const QUIET_MS = 40;
/** A file that was truncated to nothing is believed after so long, in milliseconds. */
const EMPTY_MS = 1000;
/** For what no event tells (a link's target that moves, a network drive) all is looked at this often. */
const RESCAN_MS = 2000;

/** What is known of a file that is served. */
interface KnownFile {
  /** Tells one state of the file from another: device, inode, size, time. */
  stamp: string;
  /** Tells the file itself: another one by this name was put in its place as a whole. */
  inode: string;
  text: string | null;
  unreadable: string | null;
  /** When its content was last seen to change, by the clock of {@link now}; null = at rest. */
  busySince: number | null;
  emptySince: number | null;
  /** When it was first seen to be away; null = it is there. */
  missingSince: number | null;
}

/**
 * Follows files and folders with one plain watch a folder and a look at everything after each event. An event says
 * only *that* something happened; *what* is found by comparing. So no event that is lost or that comes in an
 * unexpected order (rename-over, symlink swaps, folders that vanish and return) can leave a stale state.
 */
export class FileFollower {
  readonly #paths: readonly string[];
  readonly #read: (path: string) => FileChange;
  readonly #emit: (changes: readonly FileChange[]) => void;
  readonly #known = new Map<string, KnownFile>();
  readonly #watches = new Map<string, { watcher: FSWatcher; inode: string }>();
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  #rescan: NodeJS.Timeout | null = null;
  #scheduled = false;
  #stopped = false;

  constructor(
    paths: readonly string[],
    emit: (changes: readonly FileChange[]) => void,
    read: (path: string) => FileChange = readFile,
  ) {
    this.#paths = paths;
    this.#emit = emit;
    this.#read = read;
  }

  /** Reads everything and begins to watch. */
  start(): readonly FileChange[] {
    const folders = this.#look().folders;
    this.#watch(folders);
    const changes: FileChange[] = [];
    for (const path of this.#look().files) {
      const stamp = stampOf(path);
      if (stamp === null) continue;
      const change = this.#read(path);
      changes.push(change);
      this.#remember(path, stamp, change);
    }
    this.#rescan = setInterval(() => this.#scan(), RESCAN_MS);
    return changes;
  }

  /** Ends all watches. */
  stop(): void {
    this.#stopped = true;
    for (const { watcher } of this.#watches.values()) watcher.close();
    this.#watches.clear();
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#rescan !== null) clearInterval(this.#rescan);
  }

  #look(): { files: Set<string>; folders: Set<string> } {
    const files = new Set<string>();
    const folders = new Set<string>();
    for (const path of this.#paths) {
      const found = findFiles(path);
      for (const file of found.files) files.add(file);
      for (const folder of found.folders) folders.add(folder);
      // The folder around a path sees it replaced, removed and put back; so does each folder above one that is gone.
      for (let at = resolve(path); ; at = dirname(at)) {
        const parent = dirname(at);
        folders.add(parent);
        if (parent === at || inodeOf(parent) !== null) break;
      }
    }
    return { files, folders };
  }

  #watch(folders: ReadonlySet<string>): void {
    for (const [folder, { watcher, inode }] of this.#watches) {
      if (folders.has(folder) && inodeOf(folder) === inode) continue;
      watcher.close();
      this.#watches.delete(folder);
    }
    for (const folder of folders) {
      const inode = inodeOf(folder);
      if (inode === null || this.#watches.has(folder)) continue;
      try {
        const watcher = watch(folder, () => this.#scanSoon());
        watcher.on('error', () => this.#scanSoon());
        this.#watches.set(folder, { watcher, inode });
      } catch {
        // Gone between two looks: the next look finds out.
      }
    }
  }

  /** All events of one turn of the loop lead to one look. */
  #scanSoon(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#scan();
    });
  }

  #scan(): void {
    if (this.#stopped) return;
    const { files, folders } = this.#look();
    this.#watch(folders);
    const changes: FileChange[] = [];
    let wait = Number.POSITIVE_INFINITY;
    for (const [path, file] of this.#known) {
      if (!files.has(path)) wait = Math.min(wait, this.#miss(path, file, changes));
    }
    for (const path of files) wait = Math.min(wait, this.#examine(path, changes));
    if (changes.length > 0) this.#emit(changes);
    this.#wake(wait);
  }

  /** An editor that moves the old file away and writes a new one leaves a gap: it is not told of. */
  #miss(path: string, file: KnownFile, changes: FileChange[]): number {
    file.missingSince ??= performance.now();
    const away = performance.now() - file.missingSince;
    if (away < QUIET_MS) return QUIET_MS - away;
    this.#known.delete(path);
    changes.push({ path, text: null });
    return Number.POSITIVE_INFINITY;
  }

  /** Looks at one file; returns after how many milliseconds to look again. */
  #examine(path: string, changes: FileChange[]): number {
    const stamp = stampOf(path);
    const known = this.#known.get(path);
    if (stamp === null) return Number.POSITIVE_INFINITY;
    const now = performance.now();
    if (known === undefined) {
      // A new name: renamed into place it is whole, but a fresh file may still be being written.
      const file = {
        stamp: '',
        inode: '',
        text: null,
        unreadable: null,
        busySince: null,
        emptySince: null,
        missingSince: null,
      };
      this.#known.set(path, file);
      return this.#settle(path, file, stamp, now, changes);
    }
    return this.#settle(path, known, stamp, now, changes);
  }

  #settle(path: string, file: KnownFile, stamp: Stamp, now: number, changes: FileChange[]): number {
    file.missingSince = null;
    if (stamp.text !== file.stamp) {
      const replaced = stamp.inode !== file.inode && stamp.isWhole;
      file.stamp = stamp.text;
      file.inode = stamp.inode;
      // What was put in place by a rename or a link was written before: no quiet time for it.
      file.busySince = replaced ? now - QUIET_MS : now;
    }
    if (file.busySince === null) return Number.POSITIVE_INFINITY;
    const quiet = now - file.busySince;
    if (quiet < QUIET_MS) return QUIET_MS - quiet;
    const change = this.#read(path);
    const after = stampOf(path);
    // Written while it was read: what was read may be half of each.
    if (after === null || after.text !== file.stamp) return 0;
    if (change.text?.trim() === '' && (file.text ?? '').trim() !== '') {
      file.emptySince ??= file.busySince;
      const empty = now - file.emptySince;
      if (empty < EMPTY_MS) return EMPTY_MS - empty;
    }
    this.#remember(path, after, change, changes);
    return Number.POSITIVE_INFINITY;
  }

  #remember(path: string, stamp: Stamp, change: FileChange, changes: FileChange[] = []): void {
    const before = this.#known.get(path);
    const unreadable = change.unreadable ?? null;
    const text = unreadable === null ? change.text : (before?.text ?? null);
    this.#known.set(path, {
      stamp: stamp.text,
      inode: stamp.inode,
      text,
      unreadable,
      busySince: null,
      emptySince: null,
      missingSince: null,
    });
    if (before === undefined || before.text !== text || before.unreadable !== unreadable)
      changes.push(change);
  }

  #wake(wait: number): void {
    const at = performance.now() + wait;
    if (
      this.#timer !== null &&
      (this.#timerAt <= at || wait === Number.POSITIVE_INFINITY) &&
      this.#timerAt > performance.now()
    )
      return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = at;
    if (wait === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#timerAt = Number.POSITIVE_INFINITY;
        this.#scan();
      },
      Math.max(1, Math.ceil(wait)),
    );
  }
}

interface Stamp {
  readonly text: string;
  readonly inode: string;
  /**
   * True if nobody can be in the middle of writing it: its last write is long ago, or its name was given to it after
   * that (a rename changes ctime alone, a write both times).
   */
  readonly isWhole: boolean;
}

/** The state of a file, links followed; null if it is not there. Rights count: an unreadable file has changed. */
function stampOf(path: string): Stamp | null {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, mode } = statSync(path, { bigint: true });
    const age = Date.now() - Number(mtimeNs / 1_000_000n);
    return {
      text: `${dev}:${ino}:${size}:${mtimeNs}:${mode}`,
      inode: `${dev}:${ino}`,
      isWhole: age > QUIET_MS || ctimeNs > mtimeNs,
    };
  } catch {
    return null;
  }
}

function inodeOf(folder: string): string | null {
  try {
    const { dev, ino } = statSync(folder);
    return `${dev}:${ino}:${lstatSync(folder).ino}`;
  } catch {
    return null;
  }
}
