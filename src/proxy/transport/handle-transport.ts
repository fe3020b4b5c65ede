import { writeSync, writevSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { Loop } from '../loop.ts';
import {
  configure,
  configureAccepted,
  internals,
  peerAddressOf,
  type Request,
  type TcpHandle,
  type WriteRequest,
} from './tcp-handle.ts';
import type { Transport, TransportOwner } from './transport.ts';

/** libuv's end of file. */
export const endOfFile = -4095;

/** A handle that knows its transport. */
interface OwnedHandle extends TcpHandle {
  transport?: HandleTransport;
}

/** TCP on Node's handle: no `Socket`, no `Writable`, no nextTick for a write. Made only where `internals` are there. */
export class HandleTransport implements Transport {
  owner: TransportOwner;
  remoteAddress = '';
  readonly secure = false;
  readonly tls = null;
  readonly #handle: OwnedHandle;
  /** A request for the next write; used again until libuv keeps it. */
  static #spare: WriteRequest | null = null;
  #writing = 0;
  #ended = false;
  #shutDown = false;
  #peerEnded = false;
  closed = false;
  /** What was written before the connection stood; null when it does. */
  #beforehand: [bytes: Buffer, length: number][] | null = null;
  #pausedBeforehand = false;

  private constructor(handle: TcpHandle, loop: Loop, owner: TransportOwner) {
    this.#handle = handle;
    this.owner = owner;
    (handle as OwnedHandle).transport = this;
    handle.onread = onRead;
    handle.useUserBuffer(loop.readBuffer);
  }

  /** Takes over an accepted handle and reads from it. */
  static accepted(handle: TcpHandle, loop: Loop, owner: TransportOwner): HandleTransport {
    const transport = new HandleTransport(handle, loop, owner);
    configureAccepted(handle);
    handle.readStart();
    transport.remoteAddress = peerAddressOf(handle);
    return transport;
  }

  /** Connects to an IP address; failure comes as `onClosed`. What is written meanwhile goes out when it stands. */
  static connect(address: string, port: number, loop: Loop, owner: TransportOwner): HandleTransport {
    const { TCP, ConnectWrap, socketKind } = internals!;
    const transport = new HandleTransport(new TCP(socketKind), loop, owner);
    transport.#beforehand = [];
    transport.remoteAddress = address;
    const request = new ConnectWrap();
    request.oncomplete = (status) => transport.#connected(status);
    const handle = transport.#handle;
    const status = isIPv6(address)
      ? handle.connect6(request, address, port)
      : handle.connect(request, address, port);
    if (status !== 0) process.nextTick(() => transport.#fail(status));
    return transport;
  }

  #begin(): void {
    configure(this.#handle);
    if (!this.#pausedBeforehand) this.#handle.readStart();
  }

  #connected(status: number): void {
    if (this.closed) return;
    if (status !== 0) return this.#fail(status);
    this.#begin();
    const before = this.#beforehand!;
    this.#beforehand = null;
    let all = true;
    for (const [bytes, length] of before) if (!this.write(bytes, length)) all = false;
    if (this.#ended) this.#shutdown();
    this.owner.onConnected();
    // Its owner may have written more, which the kernel has not taken.
    if (all && before.length > 0 && this.#writing === 0) this.owner.onDrained();
  }

  write(bytes: Buffer, length: number): boolean {
    if (this.closed || this.#ended) return true;
    if (this.#beforehand !== null) {
      this.#beforehand.push([bytes, length]);
      return false;
    }
    const { WriteWrap, state, lastWriteWasAsync } = internals!;
    const request = HandleTransport.#spare ?? new WriteWrap();
    HandleTransport.#spare = null;
    const status = this.#handle.writeBuffer(
      request,
      length === bytes.length ? bytes : bytes.subarray(0, length),
    );
    if (status !== 0) {
      process.nextTick(() => this.#fail(status));
      return true;
    }
    if (state[lastWriteWasAsync] === 0) {
      HandleTransport.#spare = request;
      return true;
    }
    request.buffer = bytes;
    request.oncomplete = (result) => this.#written(result);
    this.#writing++;
    return false;
  }

  writeNow(before: Buffer | null, length: number, bytes: Buffer, start: number, end: number): number {
    const { fd } = this.#handle;
    // What libuv still holds would be overtaken.
    if (this.closed || this.#ended || this.#beforehand !== null || this.#writing > 0 || fd < 0) return 0;
    try {
      if (length === 0) return writeSync(fd, bytes, start, end - start);
      return writevSync(fd, [before!.subarray(0, length), bytes.subarray(start, end)]);
    } catch {
      // The kernel is full (EAGAIN), or there is an error, which the next write finds as well.
      return 0;
    }
  }

  #written(status: number): void {
    if (this.closed) return;
    if (status !== 0) return this.#fail(status);
    if (--this.#writing === 0) this.owner.onDrained();
  }

  pause(): void {
    if (this.closed) return;
    this.#pausedBeforehand = true;
    if (this.#beforehand === null) this.#handle.readStop();
  }

  resume(): void {
    if (this.closed) return;
    this.#pausedBeforehand = false;
    if (this.#beforehand === null) this.#handle.readStart();
  }

  end(): void {
    if (this.closed || this.#ended) return;
    this.#ended = true;
    if (this.#beforehand === null) this.#shutdown();
  }

  #shutdown(): void {
    const request: Request = new internals!.ShutdownWrap();
    request.oncomplete = () => this.#finished();
    const status = this.#handle.shutdown(request);
    if (status !== 0) process.nextTick(() => this.#fail(status));
  }

  #finished(): void {
    this.#shutDown = true;
    if (this.#peerEnded) this.#close('');
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.#handle.close(() => this.owner.onClosed(''));
  }

  reset(): void {
    if (this.closed) return;
    // libuv resets nothing behind a FIN of its own.
    if (this.#ended || this.#handle.reset === undefined) return this.destroy();
    this.closed = true;
    if (this.#handle.reset(() => this.owner.onClosed('')) !== 0)
      this.#handle.close(() => this.owner.onClosed(''));
  }

  #fail(status: number): void {
    this.#close(getSystemErrorName(status));
  }

  #close(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.#handle.close();
    this.owner.onClosed(reason);
  }

  /** What libuv read: a length, the end, or an error. */
  read(result: number): void {
    if (this.closed) return;
    if (result > 0) this.owner.onRead(result);
    else if (result === endOfFile) {
      this.#peerEnded = true;
      this.#handle.readStop();
      this.owner.onPeerEnded();
      if (this.#shutDown) this.#close('');
    } else if (result < 0) this.#fail(result);
  }
}

/** One function for all handles. */
function onRead(this: TcpHandle): void {
  (this as OwnedHandle).transport!.read(internals!.state[internals!.readBytes]!);
}
