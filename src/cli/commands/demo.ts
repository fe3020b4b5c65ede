import { Command } from 'commander';
import { parseDuration } from '../addresses.ts';

const examples = `
Examples:
  $ serin demo
  $ serin demo --for 10s`;

/** `serin demo`: two real gRPC servers, the gateway on examples/hello-grpc, a client, a live table. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('two real gRPC servers, the gateway on examples/hello-grpc, a client, a live table')
    .option('--for <duration>', 'end by itself after so long, with a summary', parseDuration)
    .addHelpText('after', examples)
    .action(async (given: { for?: number }) => {
      const { Demo } = await import('../demo/demo.ts');
      process.exit(await new Demo().run(given.for ?? null));
    });
}
