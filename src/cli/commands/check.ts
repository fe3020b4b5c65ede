import type { Command } from 'commander';
import type { Issue } from '../../resources/issue.ts';
import { colours } from '../colours.ts';
import { loadManifests, type ManifestOptions } from '../load-manifests.ts';
import { failCall, manifestCommand } from '../manifest-command.ts';
import { formatObjects, type OutputFormat, print } from '../output.ts';

/** `serin check`: every error and warning with its place. Exit code 1 if there is an error. */
export function checkCommand(): Command {
  return manifestCommand(
    'check',
    'report every error and warning of manifests',
    'serin check examples/hello-grpc',
  ).action(check);
}

async function check(
  paths: readonly string[],
  options: ManifestOptions & { output: OutputFormat },
): Promise<void> {
  try {
    const { issues, counts } = await loadManifests(paths, options);
    const errors = issues.filter(({ severity }) => severity === 'error').length;
    if (options.output === 'table') {
      print(issues.map(formatIssue).join('\n'));
      const read = `${counts.mappings} Mappings in ${counts.documents} documents`;
      const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} objects for other gateways`;
      print(`${errors} errors, ${issues.length - errors} warnings (${read}${skipped})`);
    } else print(formatObjects(issues.map(publicIssue), options.output));
    if (errors > 0) process.exitCode = 1;
  } catch (error) {
    failCall(error);
  }
}

/** An issue as people read it: place, severity, sentence; the remedy below. */
function formatIssue(issue: Issue): string {
  const { severity, file, line, column, code, message, help } = issue;
  const word = severity === 'error' ? colours.red('error') : colours.yellow('warning');
  const remedy = help === null ? '' : `\n    ${colours.dim(help)}`;
  return `${file}:${line}:${column}: ${word}: ${message} ${colours.dim(`[${code}]`)}${remedy}`;
}

/** The fields that -o json promises, in their order. */
function publicIssue({
  severity,
  code,
  file,
  line,
  column,
  object,
  message,
  help,
}: Issue): Omit<Issue, 'kept'> {
  return { severity, code, file, line, column, object, message, help };
}
