import type { TLSSocket } from 'node:tls';

/** Who gets what comes on a transport; a connection, whatever protocol it speaks. */
export interface TransportOwner {
  /** Bytes came: they stand in the loop's read buffer, `[0, length)`, during this call only. */
  onRead(length: number): void;
  /** The peer sends nothing more (half-closed). */
  onPeerEnded(): void;
  /** It is gone, by the peer's, the network's or our doing; `reason` is an error's code or ''. Comes once. */
  onClosed(reason: string): void;
  /** The connection that was asked for stands; never for one that was accepted. */
  onConnected(): void;
  /** The kernel has taken everything that {@link Transport.write} kept. */
  onDrained(): void;
}

/**
 * A connected stream of bytes with back-pressure. Two kinds: Node's TCP handle without the layers above it
 * (`handle-transport.ts`), and Node's socket (`socket-transport.ts`), which TLS needs and which is there for a
 * Node that hides its handles. `test/unit/transport.test.ts` holds both to the same contract.
 */
export interface Transport {
  owner: TransportOwner;
  /** The peer's IP address as text, '' when it has gone already. */
  readonly remoteAddress: string;
  /** True over TLS. */
  readonly secure: boolean;
  /** Node's TLS socket, which knows the certificates of both ends; null in cleartext. */
  readonly tls: TLSSocket | null;
  /**
   * Writes `bytes[0, length)`. True: the kernel has all of it, and `bytes` is the caller's again. False: `bytes` belong
   * to the transport until `onDrained`.
   */
  write(bytes: Buffer, length: number): boolean;
  /**
   * Writes of `before[0, length)` and of `bytes[start, end)` behind it what the kernel takes at once, and returns how much of
   * both that was; 0 where that is not possible now, or not known. The bytes are the caller's again in any case. Nothing may
   * be waiting to be drained. @param before may be null where `length` is 0.
   */
  writeNow(before: Buffer | null, length: number, bytes: Buffer, start: number, end: number): number;
  /** Stops reading, so that TCP stops the peer. */
  pause(): void;
  resume(): void;
  /** Sends nothing more once everything is written (FIN); reading goes on. */
  end(): void;
  /** Closes it now; what was not written is lost. `onClosed` follows in a later turn. */
  destroy(): void;
  /** As {@link destroy}, and the peer is told by a reset (RST) where TCP still allows one. */
  reset(): void;
}
