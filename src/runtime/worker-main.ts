import type { ListeningHandle } from '../proxy/transport/listening-handle.ts';
import type { Accepted } from '../proxy/transport/tcp-handle.ts';
import { makeLogger } from './logger.ts';
import {
  decodeForWorker,
  encode,
  type FromWorker,
  type ParentToWorker,
  type WorkerToParent,
} from './messages.ts';
import { Worker } from './worker.ts';

/** Entry of a worker process; the parent says `begin`, and when the parent goes the worker goes. */
let worker: Worker | null = null;

// A terminal's Ctrl-C and a service manager's signal reach every process of the group: only the parent acts on them.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit(0));

function send(message: FromWorker): void {
  const metrics = message.type !== 'metrics' ? null : message.all ? 'all' : 'changed';
  const envelope: WorkerToParent = { type: 'to-control', payload: encode(message), metrics };
  if (process.connected) process.send!(envelope);
}

process.on('message', (message: ParentToWorker, handle: Accepted | ListeningHandle | undefined) => {
  switch (message.type) {
    case 'begin':
      worker = new Worker(
        message.options,
        message.ticketKeys,
        makeLogger(message.options.logFormat, `worker ${message.worker}`),
        send,
        () => process.connected && process.send!({ type: 'serving' } satisfies WorkerToParent),
      );
      return;
    case 'connection':
      // Undefined: the client had gone before the connection arrived here.
      if (handle !== undefined) worker?.connection(handle, message.listener);
      return;
    case 'accept-from':
      worker?.acceptFrom(message.key, handle as ListeningHandle);
      return;
    case 'close-port':
      worker?.closePort(message.key);
      if (process.connected)
        process.send!({ type: 'port-closed', key: message.key } satisfies WorkerToParent);
      return;
    case 'from-control':
      worker?.receive(decodeForWorker(message.payload));
      return;
    case 'ticket-keys':
      worker?.setTicketKeys(message.keys);
      return;
    case 'report-all':
      worker?.reportAll();
      return;
    case 'drain':
      void (worker?.drain() ?? Promise.resolve()).then(() => process.exit(0));
      return;
  }
});

process.send!({ type: 'loaded' } satisfies WorkerToParent);
