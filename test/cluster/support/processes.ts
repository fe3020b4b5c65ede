import { readdir, readFile } from 'node:fs/promises';

/** A process and all below it. @param like only those whose command line has this text. */
export async function processesOf(root: number, like = ''): Promise<number[]> {
  const children = new Map<number, number[]>();
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(pid)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  if (like === '') return found;
  const commands = await Promise.all(
    found.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return found.filter((_pid, i) => commands[i]!.includes(like));
}
