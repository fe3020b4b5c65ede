import { request as httpRequest } from 'node:http';
import { connect as http2Connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Container, HttpGet, Probe } from './pod.ts';

/** Runs one probe of a container over and over, as a kubelet does. */
export class Prober {
  readonly #timer: { stop(): void };
  #successes = 0;
  #failures = 0;
  #stopped = false;

  /**
   * @param probe what to ask, how often, and how many answers in a row count.
   * @param check one try: true when it succeeds.
   * @param decided told each time that a threshold is reached.
   */
  constructor(probe: Probe, check: () => Promise<boolean>, decided: (success: boolean) => void) {
    const { initialDelaySeconds = 0, periodSeconds = 10, successThreshold = 1, failureThreshold = 3 } = probe;
    this.#timer = repeat(initialDelaySeconds * 1000, periodSeconds * 1000, async () => {
      const success = await check();
      if (this.#stopped) return;
      this.#successes = success ? this.#successes + 1 : 0;
      this.#failures = success ? 0 : this.#failures + 1;
      if (success && this.#successes >= successThreshold) decided(true);
      if (!success && this.#failures >= failureThreshold) decided(false);
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer.stop();
  }
}

/** Tries a probe once against a pod's address. */
export function tryProbe(probe: Probe, container: Container, address: string): Promise<boolean> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  if (probe.httpGet) return httpGet(probe.httpGet, container, address, timeoutMs);
  if (probe.tcpSocket) return tcpSocket(portOf(probe.tcpSocket.port, container), address, timeoutMs);
  if (probe.grpc) return grpcHealth(probe.grpc.port, probe.grpc.service ?? '', address, timeoutMs);
  throw new Error(`container ${container.name} has a probe of a kind that is not known here`);
}

/** One GET; a status from 200 to 399 is a success. */
export function httpGet(
  get: HttpGet,
  container: Container,
  address: string,
  timeoutMs: number,
): Promise<boolean> {
  const request = get.scheme === 'HTTPS' ? httpsRequest : httpRequest;
  const headers = Object.fromEntries((get.httpHeaders ?? []).map(({ name, value }) => [name, value]));
  return new Promise((resolve) => {
    const sent = request(
      {
        host: get.host ?? address,
        port: portOf(get.port, container),
        path: get.path ?? '/',
        headers: { 'user-agent': 'kube-probe/1.35', ...headers },
        agent: false,
        rejectUnauthorized: false,
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        const status = response.statusCode ?? 0;
        response.resume();
        response.on('error', () => {});
        resolve(status >= 200 && status < 400);
      },
    );
    sent.on('error', () => resolve(false));
    sent.end();
  });
}

function tcpSocket(port: number, host: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const end = (success: boolean) => {
      socket.destroy();
      resolve(success);
    };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/** grpc.health.v1.Health/Check; SERVING is field 1 with the value 1. */
function grpcHealth(port: number, service: string, address: string, timeoutMs: number): Promise<boolean> {
  const name = Buffer.from(service);
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.of(0x0a, name.length), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return new Promise((resolve) => {
    const session = http2Connect(`http://${address}:${port}`);
    const timer = setTimeout(() => end(false), timeoutMs);
    const end = (success: boolean) => {
      clearTimeout(timer);
      session.destroy();
      resolve(success);
    };
    session.on('error', () => end(false));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('error', () => end(false));
    stream.on('end', () => end(Buffer.concat(parts).subarray(5).equals(Buffer.of(8, 1))));
    stream.end(Buffer.concat([head, message]));
  });
}

/** The number of a port that may be named. */
function portOf(port: number | string, container: Container): number {
  if (typeof port === 'number') return port;
  const named = container.ports?.find(({ name }) => name === port);
  if (named === undefined) throw new Error(`container ${container.name} has no port ${port}`);
  return named.containerPort;
}

/** Does something at once after a delay, then in every period; one at a time. */
function repeat(delayMs: number, periodMs: number, what: () => Promise<void>): { stop(): void } {
  let timer: NodeJS.Timeout;
  let stopped = false;
  const next = (inMs: number) => {
    timer = setTimeout(async () => {
      await what();
      if (!stopped) next(periodMs);
    }, inMs);
  };
  next(delayMs);
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
