import { sleep } from './process.ts';
import { type Protocol, SERIN_ADMIN } from './proxies.ts';

/** Calls that Serin's counters say have ended well. */
export async function serinCount(protocol: Protocol = 'h2', code = 200): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${SERIN_ADMIN}/metrics`)).text();
  let sum = 0;
  for (const line of text.split('\n')) {
    if (
      line.startsWith('serin_requests_total{') &&
      line.includes(`code="${code}"`) &&
      (protocol === 'http1' || line.includes('grpc_status="0"'))
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

/** Fails when the counters do not grow by exactly so many calls, or by at most `late` more. */
export async function expectCount(
  before: number,
  calls: number,
  protocol: Protocol = 'h2',
  late = 0,
  code = 200,
): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const more = (await serinCount(protocol, code)) - before - calls;
    if (more >= 0 && more <= late) return;
    await sleep(100);
  }
  throw new Error(`Serin has counted ${(await serinCount(protocol, code)) - before} of ${calls} calls`);
}
