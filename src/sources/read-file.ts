import { readFileSync } from 'node:fs';
import { decodeText } from './decode-text.ts';

/** A file that is new, has another content, or is gone (text null). With `unreadable` its last content stands. */
export interface FileChange {
  readonly path: string;
  readonly text: string | null;
  /** Why it cannot be read. */
  readonly unreadable?: string;
}

/** Reads one file; a failure is part of the answer. */
export function readFile(path: string): FileChange {
  try {
    return { path, text: decodeText(readFileSync(path)) };
  } catch (error) {
    return { path, text: null, unreadable: error instanceof Error ? error.message : String(error) };
  }
}
