#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { isKubectlPlugin } from './cluster.ts';
import { addCompletion } from './completion.ts';
import { version } from './version.ts';

/** Every command and the module that has it; a module is loaded when its command is called, or all for help and completion. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./commands/run.ts')).runCommand(),
  check: async () => (await import('./commands/check.ts')).checkCommand(),
  routes: async () => (await import('./commands/routes.ts')).routesCommand(),
  explain: async () => (await import('./commands/explain.ts')).explainCommand(),
  plan: async () => (await import('./commands/plan.ts')).planCommand(),
  'set-weight': async () => (await import('./commands/split.ts')).splitCommand('set-weight'),
  pause: async () => (await import('./commands/split.ts')).splitCommand('pause'),
  resume: async () => (await import('./commands/split.ts')).splitCommand('resume'),
  promote: async () => (await import('./commands/split.ts')).splitCommand('promote'),
  abort: async () => (await import('./commands/split.ts')).splitCommand('abort'),
  status: async () => (await import('./commands/status.ts')).statusCommand(),
  demo: async () => (await import('./commands/demo.ts')).demoCommand(),
};

/** Exit code of a call that is wrong. */
const WRONG_CALL = 2;

const examples = `
Examples:
  $ serin demo                      two real gRPC servers, the gateway, a client, a live table
  $ serin check manifests/          every error and warning, with its line
  $ serin run manifests/            serve them
  $ serin COMMAND --help            all about one command`;

/** Runs the command line; resolves to the exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const program = new Command(isKubectlPlugin() ? 'kubectl serin' : 'serin')
    .description('A canary-release gateway for Kubernetes: split, see, decide.')
    .version(version)
    .showSuggestionAfterError()
    .addHelpText('after', examples);
  const named = commands[argv[2] ?? ''];
  const loaded = named === undefined ? Object.values(commands) : [named];
  for (const load of loaded) program.addCommand(await load());
  if (named === undefined) await addCompletion(program);
  throwInsteadOfExit(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) return isHelp(error) ? 0 : WRONG_CALL;
    throw error;
  }
  return Number(process.exitCode ?? 0);
}

/** Commander ends the process with 1 for a wrong call; ours is 2. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  command.configureOutput({
    outputError: (text, write) => write(text.replace(/^error: /, 'serin: ')),
  });
  for (const child of command.commands) throwInsteadOfExit(child);
}

function isHelp(error: CommanderError): boolean {
  return error.code === 'commander.helpDisplayed' || error.code === 'commander.version';
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `serin routes | head` closes the pipe: that is no fault.
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

main(process.argv).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`serin: ${error instanceof Error ? error.message : String(error)}\n`);
    if (process.env.SERIN_DEBUG !== undefined) console.error(error);
    process.exitCode = 1;
  },
);
