import { decodeText } from './decode-text.ts';
import { FileFollower } from './file-follower.ts';
import { findFiles, kindOf } from './find-files.ts';
import { type FileChange, readFile } from './read-file.ts';

export type { FileChange } from './read-file.ts';

/** Where manifests come from. */
export interface FileSource {
  /** Reads everything there is. Rejects with a readable error for a path that does not exist. */
  start(): Promise<readonly FileChange[]>;
  /** Called with what changed, after start. One call has what changed together. */
  onChange(listener: (changes: readonly FileChange[]) => void): void;
  stop(): Promise<void>;
}

/** Name of standard input as a path. */
export const STANDARD_INPUT = '-';

/**
 * Files, folders (recursively; .yaml, .yml, .json) and `-` (standard input, read once to its end). `follow`: changes
 * are reported until stop, see {@link FileFollower}.
 */
export function watchFiles(paths: readonly string[], options: { follow: boolean }): FileSource {
  const listeners: ((changes: readonly FileChange[]) => void)[] = [];
  const named = paths.filter((path) => path !== STANDARD_INPUT);
  const follower = options.follow
    ? new FileFollower(named, (changes) => {
        for (const listener of listeners) listener(changes);
      })
    : null;
  return {
    async start() {
      const missing = named.find((path) => kindOf(path) === null);
      if (missing !== undefined) throw new Error(`${missing}: there is no such file or folder`);
      const changes = follower === null ? readAll(named) : follower.start();
      if (!paths.includes(STANDARD_INPUT)) return changes;
      return [{ path: STANDARD_INPUT, text: await readStandardInput() }, ...changes];
    },
    onChange(listener) {
      listeners.push(listener);
    },
    async stop() {
      follower?.stop();
    },
  };
}

function readAll(paths: readonly string[]): FileChange[] {
  const files = new Set(paths.flatMap((path) => findFiles(path).files));
  return [...files].map(readFile);
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return decodeText(Buffer.concat(chunks));
}
