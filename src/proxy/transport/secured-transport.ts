import type { TLSSocket } from 'node:tls';
import { getSystemErrorName } from 'node:util';
import type { Loop } from '../loop.ts';
import { endOfFile } from './handle-transport.ts';
import { internals, type Request, type TcpHandle, type WriteRequest } from './tcp-handle.ts';
import type { Transport, TransportOwner } from './transport.ts';

/** Node's TLS handle, which decrypts and encrypts above a TCP handle and has the same ways to read and write. */
interface TlsHandle extends TcpHandle {
  transport?: SecuredTransport;
}

/** A TLS socket with the handle below it. */
interface WithHandle {
  readonly _handle: TlsHandle | null;
}

/**
 * TLS on Node's handle, behind a handshake that a `TLSSocket` makes: what is decrypted goes to the loop's read buffer and what is
 * written to OpenSSL, without the streams between. The socket itself stays, because it ends the session and hears of its errors.
 * Made only where `internals` are there.
 */
export class SecuredTransport implements Transport {
  owner: TransportOwner;
  readonly remoteAddress: string;
  readonly secure = true;
  readonly #socket: TLSSocket;
  readonly #loop: Loop;
  #handle: TlsHandle | null = null;
  /** OpenSSL encrypts one write at a time: others wait behind it. */
  #writing = false;
  #waiting: [bytes: Buffer, length: number][] = [];
  /** The owner was told to wait. */
  #blocked = false;
  #paused = false;
  #ended = false;
  #shutDown = false;
  #peerEnded = false;
  #reason = '';

  private constructor(socket: TLSSocket, loop: Loop, owner: TransportOwner, remoteAddress: string) {
    this.#socket = socket;
    this.#loop = loop;
    this.owner = owner;
    this.remoteAddress = remoteAddress;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#reason = error.code ?? error.message;
    });
    socket.on('close', () => this.owner.onClosed(this.#reason));
  }

  /** Takes over a socket whose handshake is complete. */
  static accepted(socket: TLSSocket, loop: Loop, owner: TransportOwner): SecuredTransport {
    const transport = new SecuredTransport(socket, loop, owner, socket.remoteAddress ?? '');
    // The owner is still being made: what came with the handshake is for later.
    process.nextTick(() => transport.#begin());
    return transport;
  }

  /**
   * Takes a socket whose handshake has begun; it stands when that is complete, and what is written before waits. A failure comes as
   * `onClosed` with OpenSSL's or Node's code.
   */
  static connecting(socket: TLSSocket, address: string, loop: Loop, owner: TransportOwner): SecuredTransport {
    const transport = new SecuredTransport(socket, loop, owner, address);
    socket.once('secureConnect', () => {
      transport.#begin();
      transport.owner.onConnected();
    });
    return transport;
  }

  #begin(): void {
    const handle = (this.#socket as unknown as WithHandle)._handle;
    if (handle === null || this.#socket.destroyed) return;
    this.#handle = handle;
    handle.setNoDelay(true);
    handle.setKeepAlive(true, keepAliveAfterSeconds);
    const early = this.#socket.read() as Buffer | null;
    handle.transport = this;
    handle.onread = onRead;
    handle.useUserBuffer(this.#loop.readBuffer);
    if (this.#paused) handle.readStop();
    else handle.readStart();
    if (early !== null) this.#give(early);
    // The socket has seen the end already, which the handle tells but once.
    if (this.#socket.readableEnded || this.#hasEnded()) this.read(endOfFile);
    this.#writeNext();
  }

  #hasEnded(): boolean {
    return (this.#socket as unknown as { _readableState: { ended: boolean } })._readableState.ended;
  }

  #give(bytes: Buffer): void {
    const { readBuffer } = this.#loop;
    for (let at = 0; at < bytes.length && !this.#socket.destroyed; at += readBuffer.length) {
      this.owner.onRead(bytes.copy(readBuffer, 0, at));
    }
  }

  get tls(): TLSSocket {
    return this.#socket;
  }

  write(bytes: Buffer, length: number): boolean {
    if (this.#ended || this.#socket.destroyed) return true;
    // OpenSSL has encrypted the bytes when this returns, and so they are the caller's again; one such piece may be under way.
    if (!this.#writing && this.#handle !== null && length <= mostCopied) {
      this.#send(bytes, length);
      return true;
    }
    this.#waiting.push([bytes, length]);
    this.#blocked = true;
    if (!this.#writing) this.#writeNext();
    return false;
  }

  #send(bytes: Buffer, length: number): void {
    // Node's request is good for one write.
    const request: WriteRequest = new internals!.WriteWrap();
    request.oncomplete = (result) => this.#written(result);
    request.buffer = bytes;
    this.#writing = true;
    const status = this.#handle!.writeBuffer(
      request,
      length === bytes.length ? bytes : bytes.subarray(0, length),
    );
    if (status !== 0) return void process.nextTick(() => this.#fail(status));
    if (internals!.state[internals!.lastWriteWasAsync] === 0) this.#written(0);
  }

  #written(status: number): void {
    this.#writing = false;
    if (this.#socket.destroyed) return;
    if (status !== 0) return this.#fail(status);
    this.#writeNext();
  }

  #writeNext(): void {
    if (this.#handle === null) return;
    const next = this.#waiting.shift();
    if (next !== undefined) return this.#send(next[0], next[1]);
    if (this.#blocked) {
      this.#blocked = false;
      this.owner.onDrained();
    }
    if (this.#ended && !this.#writing) this.#shutdown();
  }

  writeNow(): number {
    return 0;
  }

  pause(): void {
    this.#paused = true;
    this.#handle?.readStop();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#socket.destroyed) this.#handle?.readStart();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.#writing) this.#writeNext();
  }

  /** close_notify (RFC 8446 6.1) and FIN. */
  #shutdown(): void {
    if (this.#shutDown || this.#socket.destroyed) return;
    this.#shutDown = true;
    const request: Request = new internals!.ShutdownWrap();
    request.oncomplete = () => {
      if (this.#peerEnded) this.destroy();
    };
    const status = this.#handle!.shutdown(request);
    if (status !== 0) process.nextTick(() => this.#fail(status));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** An end without close_notify is a reset of its own: what came before does not count as whole. */
  reset(): void {
    this.destroy();
  }

  #fail(status: number): void {
    if (this.#reason === '') this.#reason = getSystemErrorName(status);
    this.#socket.destroy();
  }

  /** What was decrypted: a length, the end, or an error. */
  read(result: number): void {
    if (this.#socket.destroyed) return;
    if (result > 0) this.owner.onRead(result);
    else if (result === endOfFile) {
      if (this.#peerEnded) return;
      this.#peerEnded = true;
      // A reset that a write has met before (the handshake's last, whose failure OpenSSL's side tells nobody) looks like an end,
      // and all further writes would wait behind that one. A peer that has only ended still has its address, unless both have.
      if (!this.#shutDown && this.#handle !== null && this.#handle.getpeername({}) !== 0) {
        this.#reason = 'ECONNRESET';
        return this.destroy();
      }
      this.owner.onPeerEnded();
      if (this.#shutDown && !this.#writing) this.destroy();
    } else if (result < 0) this.#fail(result);
  }
}

/** One function for all handles. */
function onRead(this: TcpHandle): void {
  (this as TlsHandle).transport!.read(internals!.state[internals!.readBytes]!);
}

const keepAliveAfterSeconds = 60;
/** More than this is not kept in memory for a peer that has not taken what came before. */
const mostCopied = 65_536;
