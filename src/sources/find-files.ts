import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What a path stands for now: its manifests, and the folders in which a change can change that. */
export interface FoundFiles {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** Files that are read in a folder; a file that is named itself may be called anything. */
const manifest = /\.(?:ya?ml|json)$/i;

/**
 * The manifests below a path, sorted. Names that begin with a dot are passed over: a ConfigMap's `..data` holds
 * every file a second time, and editors leave their own files there.
 */
export function findFiles(path: string): FoundFiles {
  const files: string[] = [];
  const folders: string[] = [];
  const visit = (folder: string, parents: readonly string[]): void => {
    const real = realpathSync(folder);
    if (parents.includes(real)) return;
    folders.push(folder);
    for (const name of readdirSync(folder).sort()) {
      if (name.startsWith('.') || name === 'node_modules') continue;
      const at = join(folder, name);
      const kind = kindOf(at);
      if (kind === 'folder') quietly(() => visit(at, [...parents, real]));
      else if (kind === 'file' && manifest.test(name)) files.push(at);
    }
  };
  if (kindOf(path) === 'folder') quietly(() => visit(path, []));
  else if (kindOf(path) === 'file') files.push(path);
  return { files, folders };
}

/** What is at a path, links followed; null if there is nothing, or a link to nothing. */
export function kindOf(path: string): 'file' | 'folder' | 'other' | null {
  try {
    const stat = statSync(path);
    return stat.isDirectory() ? 'folder' : stat.isFile() ? 'file' : 'other';
  } catch {
    return null;
  }
}

/** A folder that vanishes while it is read is as one that is not there. */
function quietly(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}
