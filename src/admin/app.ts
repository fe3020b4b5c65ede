import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Context, Hono } from 'hono';
import { chooseFormat, contentTypes, render } from '../metrics/exposition.ts';
import { metricFamilies } from '../metrics/families.ts';
import { parseWeight, type SplitCommand } from '../resources/serin/overlay.ts';
import { type GuardOptions, refusal } from './guard.ts';
import type { AdminState } from './state.ts';

const gzipped = promisify(gzip);

/** One table of pages: path and what answers GET and HEAD there. */
function pages(state: AdminState): Record<string, (c: Context) => Response | Promise<Response>> {
  const alive = (c: Context) => c.text('alive\n');
  const ready = (c: Context) => {
    const { ready, why } = state.readiness();
    return c.text(`${why}\n`, ready ? 200 : 503);
  };
  return {
    '/healthz': alive,
    '/readyz': ready,
    '/ambassador/v0/check_alive': alive,
    '/ambassador/v0/check_ready': ready,
    '/metrics': (c) => scrape(c, state),
    '/api/v1/routes': (c) => c.json(state.routes()),
    '/api/v1/services': (c) => c.json(state.services()),
    '/api/v1/errors': (c) => c.json(state.errors()),
    '/api/v1/splits': (c) => c.json(state.splits()),
  };
}

/** The admin server as a function from request to answer: health, metrics, API. Errors are JSON `{"error": …}`. */
export function adminApp(state: AdminState, guard: GuardOptions): Hono {
  const app = new Hono();
  const table = pages(state);
  app.use(async (c, next) => {
    const refused = refusal(
      {
        path: c.req.path,
        method: c.req.method,
        host: c.req.header('host'),
        origin: c.req.header('origin'),
        fetchSite: c.req.header('sec-fetch-site'),
        authorization: c.req.header('authorization'),
      },
      guard,
    );
    if (refused !== null) return c.json({ error: refused.error }, refused.status);
    c.header('cache-control', 'no-store');
    c.header('x-content-type-options', 'nosniff');
    await next();
    return;
  });
  for (const [path, answer] of Object.entries(table)) {
    app.get(path, answer);
    app.all(path, (c) =>
      c.json({ error: `${c.req.method} is not served here, GET is` }, 405, { allow: 'GET, HEAD' }),
    );
  }
  app.post('/api/v1/splits/:name{.+}', (c) => changeSplit(c, state));
  app.notFound((c) => c.json({ error: `nothing at ${c.req.path}`, pages: Object.keys(table) }, 404));
  app.onError((error, c) => c.json({ error: `this is a fault of serin: ${error.message}` }, 500));
  return app;
}

/** A command: `{"command": "set-weight", "weight": 7, "by": "…"}`. */
async function changeSplit(c: Context, state: AdminState): Promise<Response> {
  const body = (await c.req.json().catch(() => null)) as Record<string, unknown> | null;
  const command = readCommand(body);
  if (typeof command === 'string') return c.json({ error: command }, 400);
  const by = typeof body?.by === 'string' ? body.by.slice(0, 200) : '';
  try {
    return c.json(await state.changeSplit(c.req.param('name') ?? '', command, by));
  } catch (error) {
    return c.json({ error: (error as Error).message }, 409);
  }
}

function readCommand(body: Record<string, unknown> | null): SplitCommand | string {
  const kind = body?.command;
  if (kind === 'set-weight') {
    const weight = parseWeight(String(body?.weight ?? ''));
    return weight === null ? 'weight has to be a number of percent from 0 to 100' : { kind, weight };
  }
  if (kind === 'abort') {
    const { endStreamsS = null } = body ?? {};
    const isTime = endStreamsS === null || (typeof endStreamsS === 'number' && endStreamsS >= 0);
    return isTime ? { kind, endStreamsS } : 'endStreamsS has to be a number of seconds';
  }
  if (kind === 'pause' || kind === 'resume' || kind === 'promote') return { kind };
  return 'command has to be set-weight, pause, resume, promote or abort';
}

async function scrape(c: Context, state: AdminState): Promise<Response> {
  const format = chooseFormat(c.req.header('accept'));
  const text = render(metricFamilies(state.metrics()), format);
  c.header('content-type', contentTypes[format]);
  c.header('vary', 'accept, accept-encoding');
  if (!/\bgzip\b/.test(c.req.header('accept-encoding') ?? '')) return c.body(text);
  c.header('content-encoding', 'gzip');
  return c.body(new Uint8Array(await gzipped(text)));
}
