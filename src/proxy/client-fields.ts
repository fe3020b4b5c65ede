import type { HttpSettings } from '../model/http-settings.ts';
import type { PlainField } from '../protocol/hpack/plain.ts';
import { isTraceparent, newTraceparent } from '../protocol/trace-context/traceparent.ts';
import type { AddressGate } from './address-gate.ts';
import { ClientIdentity } from './client-identity.ts';
import { lineFields, plainFields } from './field-writer.ts';
import { forwardedElement, portOf, trustedAddress, trustedScheme, valuesOf } from './forwarding.ts';
import type { Gateway } from './gateway.ts';
import { schemeSide } from './listener-table.ts';
import type { AuthorityInfo } from './path-info.ts';
import type { Transport } from './transport/transport.ts';

/** What a reader of heads has put aside for the gateway to say itself. */
export interface ClientHead {
  /** x-forwarded-for as it came, several lines joined. */
  readonly forwardedFor: string | null;
  /** The other fields that the gateway writes, or may write, itself; null = they were dropped. */
  readonly aside: readonly PlainField[] | null;
}

/**
 * What a client's connection adds to each of its requests: who the client is, and what it spoke. Where nobody has set
 * anything, that is the same bytes for every request without an x-forwarded-for.
 */
export class ClientFields {
  /** Side of the listener that requests of this connection, or the one that was asked about last, came in by. */
  side: string;
  /** The client's address, after the proxies that are believed. */
  address: string;
  /** Whether that client may call (ip_allow, ip_deny). */
  admitted = true;
  /** The gateway writes an x-request-id of its own. */
  makesRequestId = true;
  /** Readers of heads put the gateway's fields aside. */
  keeps = false;
  readonly #gateway: Gateway;
  readonly #transport: Transport;
  readonly #peer: string;
  readonly #side: string;
  readonly #secure: boolean;
  readonly #identity: ClientIdentity;
  readonly #encode: (fields: readonly PlainField[]) => Buffer;
  #version = -1;
  #usual: Buffer | null = null;
  #hops = 0;
  #strippedPort = '';
  #settings: HttpSettings;
  #gate: AddressGate | null = null;
  /** The address that {@link admitted} is about. */
  #judged = '';

  /** @param peer the other end's IP address, or what a PROXY header said. @param side of the listener. @param lines what is made: lines, or a plain block. */
  constructor(gateway: Gateway, transport: Transport, peer: string, side: string, lines: boolean) {
    this.#gateway = gateway;
    this.#transport = transport;
    this.#peer = this.address = peer;
    this.#side = this.side = side;
    this.#secure = transport.secure;
    this.#identity = new ClientIdentity(transport);
    this.#encode = lines ? lineFields : plainFields;
    this.#settings = gateway.store.listeners.http.settings;
    this.renew();
  }

  /** Takes over what the listeners say now; cheap where nothing has changed. */
  renew(): void {
    const { listeners } = this.#gateway.store;
    if (listeners.version === this.#version) return;
    this.#version = listeners.version;
    const { settings } = listeners.http;
    const { trustedHops, port } = listeners.side(this.#side);
    this.#settings = settings;
    this.#hops = trustedHops;
    this.#strippedPort = settings.stripMatchingPort && port > 0 ? `:${port}` : '';
    const { useRemoteAddress, preserveRequestId, traceSampledPercent, via, forwarded, forwardedHost } =
      settings;
    const mode = settings.clientCertMode;
    const shows = mode !== null && mode !== 'sanitize';
    this.keeps = trustedHops > 0 || !useRemoteAddress || preserveRequestId || traceSampledPercent !== null;
    this.keeps ||= via !== null || forwarded || forwardedHost || shows;
    this.side = this.#side;
    this.address = this.#peer;
    this.makesRequestId = true;
    this.#gate = listeners.http.gate;
    this.admitted = true;
    if (this.#gate !== null) this.#judge(this.#gate);
  }

  /** Whether {@link address} may call; a connection's requests come from one client, or from few. */
  #judge(gate: AddressGate): void {
    this.#judged = this.address;
    // Envoy's direct_remote_ip: the other end itself, whatever a PROXY header says.
    this.admitted = gate.admits(this.#transport.remoteAddress, this.address);
  }

  /** The authority as it is routed and sent: without its port where that is the listener's and is to be taken off. */
  authority(authority: AuthorityInfo): AuthorityInfo {
    if (this.#strippedPort === '' || !authority.text.endsWith(this.#strippedPort)) return authority;
    return this.#gateway.store.listeners.withoutPort(authority, this.#strippedPort.length);
  }

  /**
   * What stands behind the fields of a request (valid until the next one is asked for), x-request-id aside if {@link makesRequestId}. {@link side} and
   * {@link address} are those of this request afterwards.
   * @param host as the client has named it. @param version of HTTP, as `via` says it (RFC 9110 7.6.3).
   */
  of(head: ClientHead, host: string, version: string): Buffer {
    if (head.aside !== null) return this.#encode(this.#fields(head.aside, head.forwardedFor, host, version));
    const { forwardedFor } = head;
    if (forwardedFor === null || forwardedFor === '') {
      this.#usual ??= Buffer.from(this.#forwarded(this.#peer));
      return this.#usual;
    }
    return this.#forwarded(`${forwardedFor}, ${this.#peer}`);
  }

  #forwarded(forwardedFor: string): Buffer {
    return this.#encode([
      field('x-forwarded-for', forwardedFor),
      field('x-forwarded-proto', this.#secure ? 'https' : 'http'),
    ]);
  }

  #fields(
    aside: readonly PlainField[],
    forwardedFor: string | null,
    host: string,
    version: string,
  ): PlainField[] {
    const settings = this.#settings;
    const { useRemoteAddress } = settings;
    const trusts = this.#hops > 0 || !useRemoteAddress;
    const own = this.#secure ? 'https' : 'http';
    const scheme = (trusts ? trustedScheme(aside, this.#hops) : null) ?? own;
    this.side = scheme === own ? this.#side : schemeSide(this.#side, scheme);
    this.address = trustedAddress(forwardedFor, this.#peer, this.#hops, useRemoteAddress);
    if (this.#gate !== null && this.address !== this.#judged) this.#judge(this.#gate);
    const fields: PlainField[] = [];
    const add = (name: string, value: string): void => void fields.push(field(name, value));
    const came = forwardedFor ?? '';
    const sent = !useRemoteAddress ? came : came === '' ? this.#peer : `${came}, ${this.#peer}`;
    if (sent !== '') add('x-forwarded-for', sent);
    add('x-forwarded-proto', scheme);
    let hasHost = false;
    let requestId: PlainField | null = null;
    for (const one of aside) {
      const { name } = one;
      if (name === 'x-request-id') requestId ??= one.value === '' ? null : one;
      else if (!trusts || written.has(name)) continue;
      else if (settings.envoyHeaders && envoys.has(name)) continue;
      else {
        if (name === 'x-forwarded-host') hasHost = true;
        fields.push(one);
      }
    }
    const keepsId = requestId !== null && (trusts || settings.preserveRequestId);
    this.makesRequestId = !keepsId;
    if (keepsId) fields.push(requestId!);
    if (settings.forwardedHost && !hasHost) {
      add('x-forwarded-host', host);
      if (valuesOf(fields, 'x-forwarded-port') === null) add('x-forwarded-port', portOf(host, scheme));
    }
    this.#trace(aside, add);
    this.#forwardedList(aside, trusts, host, own, add);
    const certificate = this.#identity.field(
      settings,
      trusts,
      valuesOf(aside, 'x-forwarded-client-cert', ','),
    );
    if (certificate !== null) add('x-forwarded-client-cert', certificate);
    if (settings.via !== null) add('via', `${version} ${settings.via}`);
    return fields;
  }

  /** `traceparent` and `tracestate`: as they came, or begun (W3C Trace Context 3.2, 4.3). */
  #trace(aside: readonly PlainField[], add: (name: string, value: string) => void): void {
    const percent = this.#settings.traceSampledPercent;
    const parent = valuesOf(aside, 'traceparent');
    const state = valuesOf(aside, 'tracestate');
    if (percent === null || (parent !== null && isTraceparent(parent))) {
      if (parent !== null) add('traceparent', parent);
      if (state !== null) add('tracestate', state);
      return;
    }
    const { random } = this.#gateway;
    for (let at = 0; at < 24; at += 4) randomBytes.writeInt32LE(random.next(), at);
    const bits = randomBytes.toString('hex');
    // What came beside a malformed one is about another trace (4.3: the state is dropped).
    add('traceparent', newTraceparent(bits, random.below(1_000_000) < percent * 10_000));
  }

  #forwardedList(
    aside: readonly PlainField[],
    trusts: boolean,
    host: string,
    scheme: string,
    add: (name: string, value: string) => void,
  ): void {
    const came = valuesOf(aside, 'forwarded');
    if (!this.#settings.forwarded) {
      if (came !== null) add('forwarded', came);
      return;
    }
    const element = forwardedElement(this.#peer, host, scheme);
    add('forwarded', came === null || !trusts ? element : `${came}, ${element}`);
  }
}

const randomBytes = Buffer.alloc(24);

function field(name: string, value: string): PlainField {
  return { name, value, neverIndexed: false };
}

/** Written by rules of their own. */
const written: ReadonlySet<string> = new Set([
  ...['x-forwarded-proto', 'x-forwarded-client-cert', 'traceparent', 'tracestate', 'forwarded'],
]);
/** What the gateway says itself where it writes Envoy's fields. */
const envoys: ReadonlySet<string> = new Set(['x-envoy-original-path', 'x-envoy-expected-rq-timeout-ms']);
