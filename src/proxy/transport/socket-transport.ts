import net from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Loop } from '../loop.ts';
import type { Transport, TransportOwner } from './transport.ts';

const keepAliveAfterMs = 60_000;

/** What Node keeps under a socket; taken over so that reads go into one shared buffer (`onread`). */
interface WithHandle {
  _handle: object | null;
}

/** TCP, or what a TLS socket makes of it, on Node's `Socket`. */
export class SocketTransport implements Transport {
  owner: TransportOwner;
  readonly remoteAddress: string;
  readonly secure: boolean;
  readonly #socket: net.Socket;
  #reason = '';
  #draining = false;

  constructor(socket: net.Socket, owner: TransportOwner, remoteAddress: string) {
    this.#socket = socket;
    this.secure = socket instanceof TLSSocket;
    this.owner = owner;
    this.remoteAddress = remoteAddress;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveAfterMs);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#reason = error.code ?? error.message;
    });
    socket.on('close', () => this.owner.onClosed(this.#reason));
    socket.on('end', () => this.owner.onPeerEnded());
  }

  /** Takes over an accepted, paused socket. `net.createServer` has no `onread`; its default costs 3 to 5 µs a read. */
  static accepted(accepted: net.Socket, loop: Loop, owner: TransportOwner): SocketTransport {
    if (accepted instanceof TLSSocket) {
      return SocketTransport.#secured(accepted, accepted.remoteAddress ?? '', loop, owner);
    }
    const address = accepted.remoteAddress ?? '';
    const handle = (accepted as unknown as WithHandle)._handle;
    (accepted as unknown as WithHandle)._handle = null;
    accepted.destroy();
    const options = { handle, onread: reader(loop, () => transport), allowHalfOpen: true };
    const socket = new net.Socket(options as unknown as net.SocketConstructorOpts);
    const transport: SocketTransport = new SocketTransport(socket, owner, address);
    return transport;
  }

  /** A TLS socket keeps its handle, which belongs to its session; what it decrypts (at most 16 KiB at a time) is copied. */
  static #secured(socket: TLSSocket, address: string, loop: Loop, owner: TransportOwner): SocketTransport {
    const transport = new SocketTransport(socket, owner, address);
    socket.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length && !socket.destroyed; at += loop.readBuffer.length) {
        const length = chunk.copy(loop.readBuffer, 0, at);
        transport.owner.onRead(length);
      }
    });
    return transport;
  }

  /** Connects to an IP address; failure comes as `onClosed`. */
  static connect(address: string, port: number, loop: Loop, owner: TransportOwner): SocketTransport {
    const onread = reader(loop, () => transport);
    const socket = net.connect({ host: address, port, onread, allowHalfOpen: true });
    const transport: SocketTransport = new SocketTransport(socket, owner, address);
    socket.once('connect', () => transport.owner.onConnected());
    return transport;
  }

  /** Takes a TLS socket that is connecting; as {@link SecuredTransport.connecting}. */
  static connecting(socket: TLSSocket, address: string, loop: Loop, owner: TransportOwner): SocketTransport {
    const transport = SocketTransport.#secured(socket, address, loop, owner);
    socket.once('secureConnect', () => transport.owner.onConnected());
    return transport;
  }

  get tls(): TLSSocket | null {
    return this.#socket instanceof TLSSocket ? this.#socket : null;
  }

  write(bytes: Buffer, length: number): boolean {
    const socket = this.#socket;
    if (!socket.writable) return true;
    // OpenSSL has encrypted or copied the bytes when `write` returns, if nothing waits before them.
    const isTaken = this.secure && socket.writableLength === 0 && length <= mostCopied;
    socket.write(length === bytes.length ? bytes : bytes.subarray(0, length));
    if (isTaken || socket.writableLength === 0) return true;
    if (!this.#draining) {
      this.#draining = true;
      // Its callback comes when everything before it was taken; 'drain' would not come for small writes.
      socket.write(nothing, () => this.#drained());
    }
    return false;
  }

  #drained(): void {
    this.#draining = false;
    if (this.#socket.destroyed) return;
    if (this.#socket.writableLength > 0) {
      this.#draining = true;
      this.#socket.write(nothing, () => this.#drained());
    } else this.owner.onDrained();
  }

  writeNow(): number {
    return 0;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  reset(): void {
    // Over TLS an end without close_notify is a reset of its own: what came before does not count as whole.
    if (this.secure) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }
}

const nothing = Buffer.alloc(0);
/** More than this is not kept in memory for a client that has not taken what came before. */
const mostCopied = 65_536;

function reader(loop: Loop, transport: () => SocketTransport): net.OnReadOpts {
  return {
    buffer: loop.readBuffer,
    callback: (length) => {
      transport().owner.onRead(length);
      return true;
    },
  };
}
