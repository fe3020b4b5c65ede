import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RoutesReport, ServicesReport } from '../../admin/reports.ts';
import { fetchAdmin } from '../admin-client.ts';
import { freePort } from './free-port.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { type GreeterServer, startGreeter } from './greeter.ts';
import { Load } from './load.ts';
import { type DemoPlaces, screenLines, summaryLines } from './screen.ts';

/** Calls a second. */
const RATE = 200;
/** Milliseconds between two pictures on a terminal, and between two where there is none. */
const TERMINAL_MS = 500;
const PLAIN_MS = 5000;
/** How long the gateway may take to be ready, in milliseconds. */
const READY_MS = 15_000;

/** The whole demo; it starts everything, and whatever happens it ends everything. */
export class Demo {
  readonly #folder = mkdtempSync(join(tmpdir(), 'serin-demo-'));
  #servers: GreeterServer[] = [];
  #gateway: Gateway | null = null;
  #load: Load | null = null;
  #wake: () => void = () => {};
  #ending = false;

  /** Runs for so many milliseconds, or until Ctrl-C. Resolves to the exit code. */
  async run(forMs: number | null): Promise<number> {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => this.#endSoon());
    try {
      const places = await this.#start();
      const began = performance.now();
      await this.#show(places, forMs === null ? Number.POSITIVE_INFINITY : began + forMs);
      await this.#load?.stop();
      for (const line of summaryLines(this.#load!.tally, (performance.now() - began) / 1000))
        console.log(line);
      return this.#load!.tally.answers.size > 0 ? 0 : 1;
    } finally {
      await this.#load?.stop();
      await this.#gateway?.stop();
      for (const server of this.#servers) server.close();
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  async #start(): Promise<DemoPlaces> {
    cpSync(fileURLToPath(new URL('../../../examples/hello-grpc', import.meta.url)), this.#folder, {
      recursive: true,
    });
    this.#servers = [
      await startGreeter('1.0', await freePort(50_051)),
      await startGreeter('1.1', await freePort(50_052)),
    ];
    const listen = `127.0.0.1:${await freePort(8080)}`;
    const admin = { address: '127.0.0.1', port: await freePort(8877) };
    const log = join(this.#folder, 'serin.log');
    const [stable, canary] = this.#servers.map((s) => `127.0.0.1:${s.port}`);
    this.#gateway = startGateway(
      [
        this.#folder,
        ...['--listen', listen],
        ...['--admin', `${admin.address}:${admin.port}`],
        ...['--resolve', `grpc-server.default.svc.cluster.local:50051=${stable}`],
        ...['--resolve', `grpc-server-canary.default.svc.cluster.local:50051=${canary}`],
        ...['--log-format', 'json'],
      ],
      log,
    );
    await this.#ready(`http://${admin.address}:${admin.port}/readyz`, log);
    this.#load = new Load(listen, RATE);
    return {
      gateway: listen,
      admin: `http://${admin.address}:${admin.port}`,
      manifest: join(this.#folder, 'hello-grpc.yaml'),
    };
  }

  async #ready(url: string, log: string): Promise<void> {
    let over = false;
    void this.#gateway!.ended.then(() => {
      over = true;
    });
    const until = performance.now() + READY_MS;
    while (!over && !this.#ending && performance.now() < until) {
      const answer = await fetch(url).catch(() => null);
      if (answer?.ok) return;
      await this.#sleep(50);
    }
    throw new Error(`the gateway did not start; its log says:\n${readFileSync(log, 'utf8').slice(-2000)}`);
  }

  async #show(places: DemoPlaces, untilMs: number): Promise<void> {
    const terminal = process.stdout.isTTY;
    const address = new URL(places.admin);
    const ask = fetchAdmin({ address: address.hostname, port: Number(address.port) }, null);
    let lines: string[] = [];
    if (terminal) process.stdout.write('\x1b[?1049h\x1b[?25l');
    try {
      while (!this.#ending && performance.now() < untilMs) {
        await this.#sleep(Math.min(terminal ? TERMINAL_MS : PLAIN_MS, untilMs - performance.now()));
        const [services, routes] = await Promise.all([
          ask<ServicesReport>('/api/v1/services'),
          ask<RoutesReport>('/api/v1/routes'),
        ]);
        lines = screenLines(services, routes, places, this.#load!.tally);
        if (terminal) process.stdout.write(picture(lines));
        else console.log(`${lines.join('\n')}\n`);
      }
    } finally {
      if (terminal) process.stdout.write(`\x1b[?25h\x1b[?1049l${lines.slice(0, 6).join('\n')}\n`);
    }
  }

  /** Sleeps, but not beyond a signal. */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, ms));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#ending) this.#wake();
    });
  }

  #endSoon(): void {
    this.#ending = true;
    this.#wake();
  }
}

/** One picture on the alternate screen, without flicker. */
function picture(lines: readonly string[]): string {
  return `\x1b[?2026h\x1b[H${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J\x1b[?2026l`;
}
