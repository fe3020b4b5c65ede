import { sleep } from './process.ts';
import { SERIN_ADMIN } from './proxies.ts';

/** Calls that Serin's counters say have ended well. */
export async function serinCount(): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${SERIN_ADMIN}/metrics`)).text();
  let sum = 0;
  for (const line of text.split('\n')) {
    if (
      line.startsWith('serin_requests_total{') &&
      line.includes('code="200"') &&
      line.includes('grpc_status="0"')
    ) {
      sum += Number(line.slice(line.lastIndexOf(' ') + 1));
    }
  }
  return sum;
}

/** Waits until Serin is ready. */
export async function serinReady(): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(`http://127.0.0.1:${SERIN_ADMIN}/readyz`).catch(() => null);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error('Serin is not ready');
}

/** Fails when the counters do not grow by exactly so many calls. */
export async function expectCount(before: number, calls: number): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    if ((await serinCount()) === before + calls) return;
    await sleep(100);
  }
  throw new Error(`Serin has counted ${(await serinCount()) - before} of ${calls} calls`);
}
