import net, { type AddressInfo } from 'node:net';
import { decodePlain, type PlainField } from '../../src/protocol/hpack/plain.ts';
import { preface } from '../../src/protocol/http2/frames.ts';
import { frame, type RawFrame } from './raw-http2.ts';

/** One connection to a {@link RawServer}. */
export interface RawPeer {
  send(bytes: Buffer): void;
  end(): void;
  readonly frames: RawFrame[];
}

/** What a backend on the level of frames does. */
export interface RawServerOptions {
  /** Milliseconds before its SETTINGS; default 0. */
  readonly settingsAfterMs?: number;
  /** Payload of its SETTINGS. */
  readonly settings?: Buffer;
  /** A request's head. */
  onHead(peer: RawPeer, stream: number, fields: PlainField[], fin: boolean): void;
  onFrame?(peer: RawPeer, frame: RawFrame): void;
}

/** A backend that does on the level of frames just what it is told; SETTINGS and PING are acknowledged. */
export interface RawServer {
  readonly port: number;
  readonly peers: RawPeer[];
  close(): void;
}

/** Starts one. */
export async function startRawServer(options: RawServerOptions): Promise<RawServer> {
  const peers: RawPeer[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    const peer: RawPeer = {
      send: (bytes) => void socket.write(bytes),
      end: () => void socket.end(),
      frames: [],
    };
    peers.push(peer);
    setTimeout(() => peer.send(frame(4, 0, 0, options.settings)), options.settingsAfterMs ?? 0);
    let carry: Buffer = Buffer.alloc(0);
    let greeted = false;
    socket.on('data', (data: Buffer) => {
      carry = Buffer.concat([carry, data]);
      if (!greeted) {
        if (carry.length < preface.length) return;
        greeted = true;
        carry = carry.subarray(preface.length);
      }
      let at = 0;
      while (carry.length - at >= 9 && carry.length - at - 9 >= carry.readUIntBE(at, 3)) {
        const length = carry.readUIntBE(at, 3);
        const one: RawFrame = {
          type: carry[at + 3]!,
          flags: carry[at + 4]!,
          stream: carry.readUInt32BE(at + 5),
          payload: Buffer.from(carry.subarray(at + 9, at + 9 + length)),
        };
        at += 9 + length;
        peer.frames.push(one);
        take(peer, one);
      }
      carry = carry.subarray(at);
    });
  });
  const take = (peer: RawPeer, one: RawFrame): void => {
    if (one.type === 4 && one.flags === 0) {
      const acknowledge = (): void => peer.send(frame(4, 1, 0));
      setTimeout(acknowledge, options.settingsAfterMs ?? 0);
    } else if (one.type === 6 && one.flags === 0) peer.send(frame(6, 1, 0, one.payload));
    else if (one.type === 1) {
      options.onHead(peer, one.stream, fieldsOf(one.payload), (one.flags & 1) !== 0);
    }
    options.onFrame?.(peer, one);
  };
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    peers,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Fields of a block; none when it refers to a dynamic table, which this server does not keep. */
function fieldsOf(block: Buffer): PlainField[] {
  try {
    return decodePlain(block, 0, block.length);
  } catch {
    return [];
  }
}
