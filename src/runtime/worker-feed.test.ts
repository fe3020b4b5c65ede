import { describe, expect, test } from 'vitest';
import { emptySnapshot, type Snapshot } from '../model/snapshot.ts';
import { decodeForWorker, type FromControl } from './messages.ts';
import { wholePatch } from './snapshot-parts.ts';
import { WorkerFeed } from './worker-feed.ts';

function feed() {
  const sent: string[] = [];
  const send = (message: FromControl) => {
    if (message.type !== 'to-workers') return;
    const inner = decodeForWorker(message.payload);
    const what = inner.type === 'snapshot' ? `${inner.patch.from}→${inner.patch.revision}` : inner.type;
    sent.push(`${message.workers ?? 'all'}: ${what}`);
  };
  return { feed: new WorkerFeed(send, () => new Map()), sent };
}

const revision = (n: number): Snapshot => ({ ...emptySnapshot, revision: n });
const patch = (n: number) => ({ ...wholePatch(revision(n)), from: n - 1 });

describe('feeding workers', () => {
  test('nothing before the first compile; then whole to those that listen, patches to those that have it', () => {
    const { feed: f, sent } = feed();
    f.began(1);
    f.began(2);
    f.started(1);
    expect(sent).toEqual([]);
    f.snapshot(revision(1), patch(1));
    expect(sent.splice(0)).toEqual(['1: 0→1']);
    f.snapshot(revision(2), patch(2));
    expect(sent.splice(0)).toEqual(['1: 1→2']);
    f.started(2);
    expect(sent.splice(0)).toEqual(['2: 0→2']);
    f.snapshot(revision(3), patch(3));
    expect(sent).toEqual(['1,2: 2→3']);
  });

  test('whole once for one that says twice that it listens, again after a gap', () => {
    const { feed: f, sent } = feed();
    f.began(1);
    f.started(1);
    f.snapshot(revision(1), patch(1));
    f.started(1);
    expect(sent).toEqual(['1: 0→1']);
    f.whole(1);
    expect(sent).toEqual(['1: 0→1', '1: 0→1']);
  });

  test('serving are those that have applied; who has ended counts no more', () => {
    const { feed: f } = feed();
    f.began(1);
    f.began(2);
    f.applied(1, 1);
    expect([f.workers, f.serving]).toEqual([2, 1]);
    f.ended(1);
    expect([f.workers, f.serving]).toEqual([1, 0]);
  });
});
