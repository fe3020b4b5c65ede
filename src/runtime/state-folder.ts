import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';

/** Name of the admin socket in the state folder. */
export const ADMIN_SOCKET = 'admin.sock';

/** Makes the folder of the state, for nobody else to read. Throws with one line for the user. */
export function prepareState(folder: string): void {
  let foreign: string | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    foreign = readdirSync(folder).find((name) => !own.has(name));
    if (foreign === undefined) chmodSync(folder, 0o700);
    else if ((statSync(folder).mode & 0o022) === 0) return;
  } catch (error) {
    throw new Error(`--state ${folder}: ${(error as Error).message}`);
  }
  // Somebody else's folder, such as /tmp, is not shut to all others.
  if (foreign !== undefined)
    throw new Error(
      `--state ${folder}: others can write there, and it holds what is not serin's (${foreign}); choose a folder of its own`,
    );
}

/** What serin itself keeps there. */
const own: ReadonlySet<string> = new Set(
  ['overlays.json', 'snapshot.json'].flatMap((name) => [name, `${name}.new`]).concat(ADMIN_SOCKET),
);

/** Replaces a file of the state as a whole, mode 0600: whoever reads it sees the old one or the new one. */
export function writeState(file: string, text: string): void {
  const next = `${file}.new`;
  const handle = openSync(next, 'w', 0o600);
  try {
    // Not writeSync: on a disk that is nearly full it writes a part and says nothing.
    writeFileSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(next, file);
}
