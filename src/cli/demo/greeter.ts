import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

interface HelloRequest {
  readonly name: string;
}
interface HelloReply {
  readonly message: string;
}

/** A client of the Greeter, as far as the demo uses it. */
export interface GreeterClient {
  /** Says hello; rejects with gRPC's error. */
  sayHello(name: string): Promise<string>;
  close(): void;
}

/** A running Greeter server. */
export interface GreeterServer {
  readonly port: number;
  close(): void;
}

function greeterService(): grpc.ServiceClientConstructor {
  const definition = loadSync(fileURLToPath(new URL('./helloworld.proto', import.meta.url)));
  const tree = grpc.loadPackageDefinition(definition) as unknown as {
    helloworld: { Greeter: grpc.ServiceClientConstructor };
  };
  return tree.helloworld.Greeter;
}

/** Starts a real gRPC server that greets with its version. @param port 0 = any free one. */
export async function startGreeter(version: string, port: number): Promise<GreeterServer> {
  const server = new grpc.Server();
  server.addService(greeterService().service, {
    SayHello: (call: { request: HelloRequest }, reply: grpc.sendUnaryData<HelloReply>) =>
      reply(null, { message: `Hello ${call.request.name}, I am ${version}` }),
  });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, actual) =>
      error === null ? resolve(actual) : reject(error),
    );
  });
  return { port: bound, close: () => server.forceShutdown() };
}

/**
 * Opens one channel to a Greeter. @param target `127.0.0.1:8080`. @param tls the authority to believe, as PEM, and the
 * name to ask for; without it in cleartext.
 */
export function greeterClient(
  target: string,
  tls?: { readonly authority: string; readonly serverName: string },
): GreeterClient {
  const Client = greeterService();
  // A channel of its own: grpc-js shares them between clients otherwise.
  const client = new Client(
    target,
    tls === undefined
      ? grpc.credentials.createInsecure()
      : grpc.credentials.createSsl(Buffer.from(tls.authority)),
    {
      'grpc.use_local_subchannel_pool': 1,
      ...(tls === undefined ? {} : { 'grpc.ssl_target_name_override': tls.serverName }),
    },
  );
  return {
    sayHello: (name) =>
      new Promise((resolve, reject) => {
        client.SayHello!(
          { name },
          { deadline: Date.now() + 5000 },
          (error: grpc.ServiceError | null, reply?: HelloReply) =>
            error === null ? resolve(reply?.message ?? '') : reject(error),
        );
      }),
    close: () => client.close(),
  };
}
