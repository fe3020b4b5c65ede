import * as grpc from '@grpc/grpc-js';

/** A real gRPC server (grpc-js) with a method of each kind; messages are bytes as they are. */
export interface KindsServer {
  readonly port: number;
  close(): void;
}

/** Messages that `ServerStream` answers. */
export const streamedMessages = 100;

const same = (value: Buffer): Buffer => value;

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/serin.Kinds/${name}`,
    requestStream,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

/** The service's methods: generic, so that no code has to be made from a .proto file. */
export const kinds = {
  Unary: method('Unary', false, false),
  ServerStream: method('ServerStream', false, true),
  ClientStream: method('ClientStream', true, false),
  Bidi: method('Bidi', true, true),
};

/**
 * Starts one: `Unary` and `Bidi` give every message back, `ServerStream` gives it back {@link streamedMessages} times, `ClientStream`
 * answers the number of messages as decimal digits.
 */
export async function startKindsServer(): Promise<KindsServer> {
  const server = new grpc.Server();
  server.addService(kinds, {
    Unary: (call: grpc.ServerUnaryCall<Buffer, Buffer>, reply: grpc.sendUnaryData<Buffer>) =>
      reply(null, call.request),
    ServerStream: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      for (let i = 0; i < streamedMessages; i++) call.write(call.request);
      call.end();
    },
    ClientStream: (call: grpc.ServerReadableStream<Buffer, Buffer>, reply: grpc.sendUnaryData<Buffer>) => {
      let count = 0;
      call.on('data', () => count++);
      call.on('end', () => reply(null, Buffer.from(String(count))));
    },
    Bidi: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (message: Buffer) => call.write(message));
      call.on('end', () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, close: () => server.forceShutdown() };
}
