import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { type OddServer, say, startOddServer } from '../../test/support/api-server.ts';
import { ApiClient, type ApiError } from './api-client.ts';
import { watchedKinds } from './kinds.ts';
import { defaultTimes, type ObjectChange, Reflector, type ReflectorTimes } from './reflector.ts';

let server: OddServer | null = null;
let reflector: Reflector | null = null;
afterEach(() => {
  reflector?.stop();
  server?.close();
});

const service = (name: string, version = '1'): object => ({
  metadata: { name, namespace: 'default', resourceVersion: version },
});
const list = (items: readonly object[], metadata: object = {}): object => ({
  kind: 'ServiceList',
  apiVersion: 'v1',
  metadata: { resourceVersion: '5', ...metadata },
  items,
});
const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'the token is too old' };

/** Follows Services of a server that answers oddly. */
async function follow(
  answer: (url: URL, response: ServerResponse, request: IncomingMessage) => void,
  times: Partial<ReflectorTimes> = {},
) {
  server = await startOddServer(answer);
  const changes: ObjectChange[] = [];
  const problems: (ApiError | null)[] = [];
  const kind = watchedKinds.find((one) => one.kind === 'Service')!;
  reflector = new Reflector(
    new ApiClient(server.credentials),
    { kind, version: 'v1', namespace: null, labelSelector: null, fieldSelector: null },
    {
      changed: (some) => changes.push(...some),
      seen: () => {},
      problem: (problem) => problems.push(problem),
    },
    { ...defaultTimes, ...times },
  );
  void reflector.run();
  return { changes, problems, asked: server.asked };
}
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const isWatch = (url: URL): boolean => url.searchParams.has('watch');

test('a list whose token expires on the way is asked for as a whole', async () => {
  const { changes } = await follow((url, response) => {
    if (isWatch(url)) return void response.writeHead(200).flushHeaders();
    if (url.searchParams.has('continue')) return say(response, expired, 410);
    if (url.searchParams.has('limit')) return say(response, list([service('a')], { continue: 'more' }));
    say(response, list([service('a'), service('b')]));
  });
  await wait(400);
  expect(changes.map(({ path }) => path)).toEqual(['Service a.default', 'Service b.default']);
});

test('an API server that always says 410 is not asked without pause, and it is told', async () => {
  const { asked, problems } = await follow(
    (url, response) => (isWatch(url) ? say(response, expired, 410) : say(response, list([service('a')]))),
    { largestBackOffMs: 200 },
  );
  await wait(2000);
  expect(asked.length).toBeLessThan(50);
  expect(problems[0]?.status).toBe(410);
});

test('watches that end behind each event are not opened without pause', async () => {
  const { asked } = await follow((url, response) => {
    if (!isWatch(url)) return say(response, list([service('a')]));
    response.end(`${JSON.stringify({ type: 'MODIFIED', object: service('a') })}\n`);
  });
  await wait(1500);
  expect(asked.length).toBeLessThan(12);
});

test('a Retry-After that no timer takes is not taken for none', async () => {
  const { asked } = await follow((_url, response) => {
    say(response, { kind: 'Status' }, 429, { 'retry-after': '99999999' });
  });
  await wait(500);
  expect(asked.length).toBe(1);
});

test('an answer that is no list takes nothing away', async () => {
  let odd = false;
  const { changes, problems } = await follow(
    (url, response) => {
      if (isWatch(url)) {
        odd = true;
        return say(response, expired, 410);
      }
      // As a proxy in front of an API server that is gone says it.
      say(response, odd ? { status: 'ok' } : list([service('a')]));
    },
    { emptyAgainMs: 10, firstBackOffMs: 10, largestBackOffMs: 20 },
  );
  await wait(600);
  expect(changes).toMatchObject([{ path: 'Service a.default', object: { kind: 'Service' } }]);
  expect(problems.some((problem) => problem?.message.includes('no list'))).toBe(true);
});
