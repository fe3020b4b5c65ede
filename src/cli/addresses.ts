import { isIPv6 } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { parseCidr } from '../lib/cidr.ts';
import { parseWeight } from '../resources/serin/overlay.ts';
import type { Address } from '../runtime/options.ts';

/** Reads `HOST:PORT` (`[::1]:8080` for IPv6), the port from 1 to 65535. Throws commander's error for a wrong argument. */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const address = match?.[1] ?? match?.[2];
  if (address === undefined || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('Write HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080.');
  }
  if (match?.[1] !== undefined && !isIPv6(address))
    throw new InvalidArgumentError(`"${address}" is no IPv6 address.`);
  return { address, port };
}

/** As {@link parseAddress}, for an option that may be given several times. */
export function collectAddress(text: string, sofar: readonly Address[] = []): Address[] {
  return [...sofar, parseAddress(text)];
}

/** Reads a range of IP addresses, `10.0.0.0/8` or one address, for an option that may be given several times. */
export function collectCidr(text: string, sofar: readonly string[] = []): string[] {
  const range = parseCidr(text);
  if (typeof range === 'string') throw new InvalidArgumentError(`${range}; write 127.0.0.1 or 10.0.0.0/8.`);
  return [...sofar, text];
}

/** Endpoints of a service, as `--resolve` gives them. */
export interface Resolve {
  readonly service: string;
  readonly endpoints: readonly Address[];
}

/** Reads `NAME:PORT=ADDR:PORT[,ADDR:PORT...]`; a service named twice has the endpoints of both. */
export function collectResolve(text: string, sofar: readonly Resolve[] = []): Resolve[] {
  const at = text.indexOf('=');
  const service = text.slice(0, at);
  if (at < 1 || !/^.+:\d{1,5}$/.test(service)) {
    throw new InvalidArgumentError(
      'Write NAME:PORT=ADDR:PORT[,ADDR:PORT...], for example grpc-server:50051=127.0.0.1:9001.',
    );
  }
  const endpoints = text
    .slice(at + 1)
    .split(',')
    .map(parseAddress);
  const known = sofar.find((one) => one.service === service);
  if (known === undefined) return [...sofar, { service, endpoints }];
  return sofar.map((one) =>
    one === known ? { service, endpoints: [...known.endpoints, ...endpoints] } : one,
  );
}

/** Reads a weight in percent: `7%` or `0.25`. */
export function parseWeightArgument(text: string): number {
  const weight = parseWeight(text);
  if (weight === null)
    throw new InvalidArgumentError('Write percent from 0 to 100 with up to four decimals: 7% or 0.25.');
  return weight;
}

/** Reads a whole number of at least 1. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Write a whole number of at least 1.');
  return Number(text);
}

/** Reads a duration, `500ms`, `10s`, `5m` or `1h`, as milliseconds; a number without a unit is in seconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Write a duration: 500ms, 10s, 5m or 1h.');
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] ?? 's']!;
  return Math.round(Number(match[1]) * unit);
}

/** As {@link parseDuration}, of 5 minutes and more: grpc-go's servers end connections that are asked more often. */
export function parseKeepAlive(text: string): number {
  const ms = parseDuration(text);
  if (ms < 300_000) throw new InvalidArgumentError('At least 5m: many servers refuse more frequent PINGs.');
  return ms;
}
