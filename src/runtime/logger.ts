import { createRequire } from 'node:module';
import { type Logger, pino } from 'pino';
import type { PinoPretty } from 'pino-pretty';
import type { LogFormat } from './options.ts';

/**
 * The log of one process, on standard output, written at once. `pretty` is made in the process itself, not in a thread of its own.
 * @param process name in each line: `parent`, `control`, `worker 3`.
 */
export function makeLogger(format: LogFormat, process: string): Logger {
  const base = { process };
  const options = { base, timestamp: pino.stdTimeFunctions.isoTime };
  if (format === 'json') {
    return pino(
      { ...options, formatters: { level: (label) => ({ level: label }) } },
      pino.destination({ dest: 1, sync: true }),
    );
  }
  // Loaded when needed: JSON logs, every worker's in production, start without it.
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  const stream = pretty({
    sync: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'process',
    messageFormat: '{process}: {msg}',
  });
  return pino(options, stream);
}
