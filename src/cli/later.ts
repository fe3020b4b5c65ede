import type { Command } from 'commander';

/** Options that are in the contract of the command line and not in this version. */
const later: readonly { readonly flags: string; readonly key: string }[] = [];

/** Adds them, hidden, so that each is refused with a line that says so and not as unknown. */
export function addLaterOptions(command: Command): void {
  for (const { flags } of later) command.addOption(command.createOption(flags).hideHelp());
  command.addOption(
    command
      .createOption('--data-plane <kind>', 'what carries the traffic')
      .choices(['embedded', 'envoy'])
      .default('embedded'),
  );
}

/** Ends the command (exit code 2) when one of them was given. */
export function refuseLaterOptions(command: Command, given: Readonly<Record<string, unknown>>): void {
  for (const { flags, key } of later) {
    if (given[key] === undefined) continue;
    command.error(
      `error: ${flags.split(' ')[0]} is not in this version; manifests are read from files and folders`,
    );
  }
  if (given.dataPlane === 'envoy') {
    command.error(
      'error: --data-plane envoy is not in this version; leave it out for the embedded data plane',
    );
  }
}
