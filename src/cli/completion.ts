import type { Command } from 'commander';

/** Adds `serin completion bash|zsh|fish`, which prints a script, and the hidden `serin complete` that the script calls. */
export async function addCompletion(program: Command): Promise<void> {
  const { default: tab } = await import('@bomb.sh/tab/commander');
  tab(program, { completionCommandName: 'completion' });
  program.commands
    .find((command) => command.name() === 'completion')
    ?.description('print a script that completes commands and options in a shell')
    .addHelpText('after', '\nExample:\n  $ source <(serin completion bash)');
}
