import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MergedMetrics } from '../../src/metrics/merged-metrics.ts';
import { startPlane, type TestPlane } from '../support/data-plane.ts';
import { type Http1Recorder, startHttp1Recorder } from '../support/http1-recorder.ts';

/** One Service whose pods are of two versions, with a Canary; slices and pods as a cluster has them. */
function manifest(spec: string, backends: readonly { pod: string; version: string; port: number }[]): string {
  const pods = backends.map(
    ({ pod, version, port }) => `
---
{apiVersion: v1, kind: Pod, metadata: {name: ${pod}, labels: {version: "${version}"}}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${pod}, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: ${port}}]
endpoints: [{addresses: [127.0.0.1], targetRef: {kind: Pod, name: ${pod}}}]`,
  );
  return `
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: web}
spec: {hostname: "*", prefix: /, service: web}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{name: http, port: 80}]}}
---
{apiVersion: serin.dev/v1alpha1, kind: Canary, metadata: {name: web}, spec: {service: web, stable: "1", canary: "2", ${spec}}}
${pods.join('')}`;
}

const recorders: Http1Recorder[] = [];
let plane: TestPlane;
const backends: { pod: string; version: string; port: number }[] = [];

beforeAll(async () => {
  for (const version of ['1', '1', '1', '2']) {
    const recorder = await startHttp1Recorder();
    recorders.push(recorder);
    backends.push({ pod: `pod-${recorders.length}`, version, port: recorder.port });
  }
  plane = await startPlane(manifest('weight: 10', backends), {});
});
afterAll(async () => {
  await plane.close();
  for (const recorder of recorders) recorder.close();
});

function call(headers: Record<string, string> = {}): Promise<{ status: number; cookies: string[] }> {
  return new Promise((resolve, reject) => {
    const asked = request({ port: plane.port, host: '127.0.0.1', path: '/', headers }, (answer) => {
      answer.resume();
      const cookies = answer.headers['set-cookie'] ?? [];
      answer.on('end', () => resolve({ status: answer.statusCode!, cookies }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Calls that the canary's backend has got, of those that `load` makes. */
async function canaryCalls(load: () => Promise<unknown>): Promise<number> {
  const before = recorders[3]!.requests.length;
  await load();
  return recorders[3]!.requests.length - before;
}

async function calls(n: number, headers: (i: number) => Record<string, string> = () => ({})): Promise<void> {
  for (let i = 0; i < n; i++) expect((await call(headers(i))).status).toBe(200);
}

describe('a Canary of one Service', () => {
  test('has its share whatever the number of pods, and each version its metrics', async () => {
    expect(await canaryCalls(() => calls(200))).toBe(20);
    const merged = new MergedMetrics(100);
    merged.apply(1, plane.metrics.report(true)!);
    const called = [...merged.totals()].filter(({ ended }) => ended > 0);
    const counted = called.map(({ labels, ended }) => {
      return [labels.service, labels.version, labels.role, ended];
    });
    expect(counted.sort()).toEqual([
      ['web.default:80', '1', 'stable', 180],
      ['web.default:80', '2', 'canary', 20],
    ]);
  });

  test('sticky by header: a key stays, and a higher weight moves keys to the canary only', async () => {
    const user = (i: number) => ({ 'x-user': `user-${i % 100}` });
    const sides = async (weight: number): Promise<boolean[]> => {
      await plane.configure(manifest(`weight: ${weight}, sticky: {header: X-User}`, backends));
      const canary: boolean[] = [];
      for (let i = 0; i < 100; i++) canary.push((await canaryCalls(() => call(user(i)))) === 1);
      return canary;
    };
    const low = await sides(20);
    expect(await sides(20)).toEqual(low);
    const high = await sides(60);
    expect(low.some((side, i) => side && !high[i])).toBe(false);
    expect(high.filter(Boolean).length).toBeGreaterThan(low.filter(Boolean).length);
    // Without the header there is no key: the draw is as exact as any.
    await plane.configure(manifest('weight: 10, sticky: {header: X-User}', backends));
    expect(await canaryCalls(() => calls(100))).toBe(10);
  });

  test('sticky by cookie: the first answer sets it, and it leads to the same version', async () => {
    await plane.configure(manifest('weight: 50, sticky: {cookie: release, maxAge: 2h}', backends));
    for (let client = 0; client < 20; client++) {
      let cookie = '';
      const first = await canaryCalls(async () => {
        const { cookies } = await call({ cookie: 'other=1' });
        expect(cookies).toHaveLength(1);
        expect(cookies[0]).toMatch(/^release=[\w-]{22}; Path=\/; Max-Age=7200; HttpOnly; SameSite=Lax$/);
        cookie = cookies[0]!.split(';')[0]!;
      });
      const again = await canaryCalls(async () => {
        for (let i = 0; i < 5; i++)
          expect((await call({ cookie: `other=1; ${cookie}` })).cookies).toEqual([]);
      });
      expect(again).toBe(first * 5);
    }
  });

  test('without a ready pod its share goes where the spec says', async () => {
    const gone = backends.filter(({ version }) => version === '1');
    await plane.configure(manifest('weight: 50', gone));
    expect(await canaryCalls(() => calls(20))).toBe(0);
    await plane.configure(manifest('weight: 50, onEmpty: fail', gone));
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await call()).status));
    expect(statuses.filter((status) => status === 503)).toHaveLength(10);
  });

  test('0 is none, 100 is all', async () => {
    await plane.configure(manifest('weight: 0', backends));
    expect(await canaryCalls(() => calls(20))).toBe(0);
    await plane.configure(manifest('weight: 100', backends));
    expect(await canaryCalls(() => calls(20))).toBe(20);
  });
});
