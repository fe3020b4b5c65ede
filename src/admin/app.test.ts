import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { MergedMetrics } from '../metrics/merged-metrics.ts';
import { WorkerMetrics } from '../metrics/worker-metrics.ts';
import { emptySnapshot } from '../model/snapshot.ts';
import { adminApp } from './app.ts';
import { routesReport, type ServicesReport, servicesReport } from './reports.ts';
import type { AdminState } from './state.ts';

function totals() {
  const worker = new WorkerMetrics();
  for (const route of ['a', 'b']) {
    const series = worker.calls(route, 'svc:80', 'v1', 'stable');
    for (let i = 0; i < 100; i++) {
      series.begin();
      series.end(200, i < 2 ? 14 : 0, 0, route === 'a' ? 10_000 : 20_000);
    }
  }
  const merged = new MergedMetrics(10);
  merged.apply(1, structuredClone(worker.report()!));
  return merged;
}

function state(ready: boolean): AdminState {
  const merged = totals();
  return {
    readiness: () => ({ ready, why: ready ? 'ready' : '1 of 2 workers has the configuration' }),
    metrics: () => ({
      totals: merged.totals(),
      gateway: merged.gateway(),
      weights: [],
      endpoints: [],
      configErrors: 0,
      configWarnings: 0,
      configRevision: 1,
      workers: 2,
      workerDeaths: 0,
      seriesFolded: 0,
      build: { version: '0' },
      startTime: 0,
    }),
    routes: () => routesReport(emptySnapshot, []),
    services: () =>
      servicesReport(
        new Map([
          [
            'idle:80',
            {
              service: 'idle:80',
              state: 'known',
              endpoints: [],
              version: 'i',
              everReady: false,
              problem: null,
            },
          ],
        ]),
        merged.totals(),
        () => ({ calls: 5, failures: 1 }),
      ),
    errors: () => ({ errors: 0, warnings: 0, issues: [] }),
    splits: () => ({
      splits: [{ kind: 'Canary', name: 'web.default', weight: 20, specWeight: 20, overlay: null }],
    }),
    changeSplit: async (name, command, by) => {
      if (name !== 'canary/web') throw new Error(`nothing is called "${name}"`);
      const weight = command.kind === 'set-weight' ? command.weight : 0;
      return { kind: 'Canary', name: `web.default by ${by}`, before: 20, weight, overlay: null };
    },
  };
}

const ask = (path: string, init: RequestInit = {}, ready = true) =>
  adminApp(state(ready), { address: '127.0.0.1', token: 'a-token-of-sixteen', socket: false }).request(
    `http://127.0.0.1${path}`,
    {
      ...init,
      headers: { host: '127.0.0.1:8877', ...init.headers },
    },
  );

const token = { authorization: 'Bearer a-token-of-sixteen' };
const command = async (name: string, body: unknown, headers: Record<string, string> = token) => {
  const answer = await ask(`/api/v1/splits/${name}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
};

test('commands: with the token, checked, and refused with a sentence', async () => {
  expect(await (await ask('/api/v1/splits')).json()).toMatchObject({ splits: [{ name: 'web.default' }] });
  expect((await command('canary/web', { command: 'abort' }, {})).status).toBe(401);
  expect(await command('canary/web', { command: 'set-weight', weight: '7.5', by: 'me' })).toEqual({
    status: 200,
    body: { kind: 'Canary', name: 'web.default by me', before: 20, weight: 7.5, overlay: null },
  });
  expect(await command('other', { command: 'abort' })).toEqual({
    status: 409,
    body: { error: 'nothing is called "other"' },
  });
  for (const wrong of [null, {}, { command: 'x' }, { command: 'set-weight', weight: 101 }, 'x'])
    expect((await command('canary/web', wrong)).status).toBe(400);
});

describe('admin pages', () => {
  test.each(['/healthz', '/readyz', '/ambassador/v0/check_alive', '/ambassador/v0/check_ready'])(
    '%s',
    async (path) => {
      expect((await ask(path)).status).toBe(200);
      const starting = await ask(path, {}, false);
      expect(starting.status).toBe(/alive|healthz/.test(path) ? 200 : 503);
      if (starting.status === 503) expect(await starting.text()).toContain('1 of 2 workers');
    },
  );

  test('/metrics: classic unless OpenMetrics is asked for; HEAD; gzip (report 24)', async () => {
    const classic = await ask('/metrics', { headers: { accept: '*/*' } });
    expect(classic.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await classic.text();
    expect(text).toContain('# TYPE serin_requests_total counter');
    const open = await ask('/metrics', {
      headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' },
    });
    expect(open.headers.get('content-type')).toContain('application/openmetrics-text; version=1.0.0');
    expect((await open.text()).endsWith('# EOF\n')).toBe(true);
    const packed = await ask('/metrics', { headers: { 'accept-encoding': 'gzip' } });
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    expect(gunzipSync(Buffer.from(await packed.arrayBuffer())).toString()).toBe(text);
    const head = await ask('/metrics', { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
  });

  test('/api/v1/services: a version over all its routes, idle services too', async () => {
    const body = (await (await ask('/api/v1/services')).json()) as ServicesReport;
    expect(body.services.map((s) => s.service)).toEqual(['idle:80', 'svc:80']);
    expect(body.services[0]?.versions[0]).toMatchObject({ version: 'i', requests: 0, p99: null });
    const version = body.services[1]!.versions[0]!;
    expect(version).toMatchObject({
      version: 'v1',
      requests: 200,
      inFlight: 0,
      rate: 10,
      errorRate: 2,
      errors: { grpc_14: 4 },
    });
    expect(version.p50! / 10).toBeCloseTo(1, 1);
    expect(version.p99! / 20).toBeCloseTo(1, 1);
  });

  test('what is not there is 404, what may not be done 405, both as JSON', async () => {
    const missing = await ask('/nothing');
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ error: 'nothing at /nothing' });
    const wrong = await ask('/api/v1/routes', { method: 'POST', headers: token });
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('allow')).toBe('GET, HEAD');
    expect(await wrong.json()).toHaveProperty('error');
  });

  test('a foreign Host header is refused', async () => {
    const refused = await ask('/api/v1/routes', { headers: { host: 'evil.example' } });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toHaveProperty('error');
  });
});
