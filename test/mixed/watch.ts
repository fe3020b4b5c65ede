import { readdir, readFile } from 'node:fs/promises';
import type { RunningSerin } from '../support/serin.ts';

/** What the processes of a gateway held at a moment. */
export interface Held {
  /** Since the load began. */
  readonly seconds: number;
  /** Resident memory of all processes, MiB. */
  readonly mib: number;
  /** Each one's: parent, control, workers. */
  readonly each: readonly number[];
}

/** All processes of a gateway: parent, control, workers. */
async function processes(serin: RunningSerin): Promise<number[]> {
  const { control, workers } = await serin.children();
  return [serin.pid, ...control, ...workers];
}

/** Looks at the resident memory. @param since `performance.now()` of the beginning. */
export async function look(serin: RunningSerin, since: number): Promise<Held> {
  const each: number[] = [];
  for (const pid of await processes(serin)) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    each.push(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024);
  }
  const mib = each.reduce((sum, one) => sum + one, 0);
  return { seconds: (performance.now() - since) / 1000, mib, each };
}

/** Open file descriptors of all processes. */
export async function descriptors(serin: RunningSerin): Promise<number> {
  let open = 0;
  for (const pid of await processes(serin)) open += (await readdir(`/proc/${pid}/fd`)).length;
  return open;
}

/** Growth in MiB a minute: the slope of the least squares through the samples from a second on. */
export function growth(samples: readonly Held[], from: number): number {
  const used = samples.filter(({ seconds }) => seconds >= from);
  const n = used.length;
  const meanX = used.reduce((sum, s) => sum + s.seconds, 0) / n;
  const meanY = used.reduce((sum, s) => sum + s.mib, 0) / n;
  let above = 0;
  let below = 0;
  for (const { seconds, mib } of used) {
    above += (seconds - meanX) * (mib - meanY);
    below += (seconds - meanX) ** 2;
  }
  return (above / below) * 60;
}
