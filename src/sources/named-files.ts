import { FileFollower } from './file-follower.ts';
import { kindOf } from './find-files.ts';
import { type FileChange, readFile } from './read-file.ts';

/** A file as it is now. */
type NamedFile = { readonly text: string } | { readonly problem: string };

/**
 * Files that manifests name, such as certificates. What was read is followed from then on: a change is told of by its
 * path, and the content is the same until then.
 */
export class NamedFiles {
  readonly #onChange: ((path: string) => void) | null;
  readonly #files = new Map<string, { content: NamedFile; readonly follower: FileFollower | null }>();

  /** @param onChange called with a path whose content is another now; null = nothing is followed. */
  constructor(onChange: ((path: string) => void) | null) {
    this.#onChange = onChange;
  }

  /** Content of a file, or why it cannot be read. */
  read(path: string): NamedFile {
    const known = this.#files.get(path);
    if (known !== undefined) return known.content;
    const onChange = this.#onChange;
    const follower =
      onChange === null
        ? null
        : new FileFollower([path], (changes) => {
            const file = this.#files.get(path);
            const change = changes.at(-1);
            if (file === undefined || change === undefined) return;
            file.content = contentOf(change);
            onChange(path);
          });
    const [first] = follower === null ? [readFile(path)] : follower.start();
    const content = kindOf(path) === 'file' && first !== undefined ? contentOf(first) : absent(path);
    this.#files.set(path, { content, follower });
    return content;
  }

  /** These are still needed, and no others. */
  retain(paths: ReadonlySet<string>): void {
    for (const [path, { follower }] of this.#files) {
      if (paths.has(path)) continue;
      follower?.stop();
      this.#files.delete(path);
    }
  }

  /** Follows none any more. */
  stop(): void {
    this.retain(new Set());
  }
}

function contentOf({ path, text, unreadable }: FileChange): NamedFile {
  if (unreadable !== undefined) return { problem: unreadable };
  return text === null ? absent(path) : { text };
}

function absent(path: string): NamedFile {
  return { problem: kindOf(path) === 'folder' ? 'it is a folder' : 'there is no such file' };
}
