import { Command } from 'commander';
import { outputOption } from './output.ts';

/** A command that reads manifests: their paths, -o and the options that say what is read. */
export function manifestCommand(name: string, description: string, example: string): Command {
  return new Command(name)
    .description(description)
    .argument('<paths...>', 'files, folders (recursive: .yaml, .yml, .json), or - for standard input')
    .addOption(outputOption())
    .option(
      '--ambassador-id <id>',
      'whose objects are read; repeatable (default: AMBASSADOR_ID, else "default")',
      collect,
    )
    .option('--isolate-namespaces', 'a Mapping joins only groups of its own namespace')
    .option('--verify-upstreams', 'certificates of all upstreams over TLS are verified')
    .option('--unguarded', 'serve routes whose AuthService or filter is not served')
    .option('--bind <address>', 'what `run` is given: where Listeners and TCPMappings are bound', '127.0.0.1')
    .exitOverride()
    .addHelpText('after', `\nExample:\n  ${example}`);
}

/** Parser of a repeatable option. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Ends a command with a line and exit code 2: the call was wrong. */
export function failCall(error: unknown): void {
  process.stderr.write(`serin: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
