import { createSocket } from 'node:dgram';

/** A record that the server gives: addresses and a TTL in seconds. */
export interface DnsRecord {
  readonly a?: readonly string[];
  readonly ttl?: number;
}

/** A small real DNS server on loopback UDP: A records only, NXDOMAIN for names it does not have. */
export interface DnsServer {
  /** `127.0.0.1:PORT`, as `Resolver.setServers` takes it. */
  readonly address: string;
  /** Names (lower case) and what they are; may be changed at any time. `null` = the server stays silent for all. */
  records: Map<string, DnsRecord> | null;
  /** Names that were asked for (A only), in order. */
  readonly asked: string[];
  close(): void;
}

/** Starts a server on a free port. */
export async function startDnsServer(records: Map<string, DnsRecord>): Promise<DnsServer> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const server: DnsServer = {
    address: `127.0.0.1:${socket.address().port}`,
    records,
    asked: [],
    close: () => socket.close(),
  };
  socket.on('message', (query, from) => {
    if (server.records === null) return;
    const { name, type, end } = question(query);
    if (type === 1) server.asked.push(name);
    const record = server.records.get(name);
    const answers = type === 1 ? (record?.a ?? []) : [];
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(record === undefined ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(answers.length, 6);
    header.writeUInt16BE(0, 8);
    header.writeUInt16BE(0, 10);
    const lines = answers.map((address) => answer(address, record?.ttl ?? 60));
    socket.send(Buffer.concat([header, query.subarray(12, end), ...lines]), from.port, from.address);
  });
  return server;
}

function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  while (query[at] !== 0) {
    const length = query[at]!;
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answer(address: string, ttl: number): Buffer {
  const record = Buffer.alloc(16);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(1, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(ttl, 6);
  record.writeUInt16BE(4, 10);
  for (const [i, part] of address.split('.').entries()) record[12 + i] = Number(part);
  return record;
}
