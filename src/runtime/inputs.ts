import type { Logger } from 'pino';
import type { CompilerInput } from '../compiler/compiler.ts';
import type { ExternalFiles } from '../compiler/tls/certificate-checker.ts';
import { ownIdentity } from '../kubernetes/identity.ts';
import type { ClusterProblem } from '../kubernetes/problems.ts';
import { Reporter } from '../kubernetes/reporter.ts';
import { KubernetesSource } from '../kubernetes/source.ts';
import { STANDARD_INPUT, watchFiles } from '../sources/files.ts';
import { NamedFiles } from '../sources/named-files.ts';
import type { RunOptions } from './options.ts';

/** Where the compiler's inputs come from: files, or a cluster. */
export interface Inputs {
  /** Files that manifests name, such as certificates. */
  readonly named: ExternalFiles;
  /** All there is, once it is known. Rejects with one line for the user when that can never be. */
  start(): Promise<readonly CompilerInput[]>;
  /** Follows these Secrets (`namespace/name`) from now on; resolves when what is known of new ones has been told. Null = all come anyhow. */
  readonly followSecrets: ((names: ReadonlySet<string>) => Promise<void>) | null;
  /** What is wrong with the source itself. */
  problems(): Iterable<ClusterProblem>;
  /** Who writes into the cluster; null where there is none, or before it is reached. */
  readonly reporter: Reporter | null;
  /** The version of the Canaries that has come; '' where there is no cluster. */
  readonly canaryVersion: string;
  /** Ends it; resolves when what was written of this gateway is taken back. */
  stop(): Promise<void>;
}

/** What the inputs need of the control process. */
export interface InputsContext {
  readonly options: RunOptions;
  /** Standard input as another control process has read it; null = it was not read yet. */
  readonly input: string | null;
  /** Called with standard input, for the next control process. */
  readonly keepInput: (text: string) => void;
  readonly onChange: (changes: readonly CompilerInput[]) => void;
  readonly log: Logger;
}

/** The inputs that the options ask for. */
export function openInputs(context: InputsContext): Inputs {
  const { cluster } = context.options;
  const named = new NamedFiles((path) => context.onChange([{ path, text: null, external: true }]));
  return cluster === null ? fileInputs(context, named) : clusterInputs(context, named, cluster);
}

function fileInputs({ options, input, keepInput, onChange }: InputsContext, named: NamedFiles): Inputs {
  const paths = input === null ? options.paths : options.paths.filter((path) => path !== STANDARD_INPUT);
  const source = watchFiles(paths, { follow: true });
  return {
    named,
    followSecrets: null,
    problems: () => [],
    reporter: null,
    canaryVersion: '',
    /** Standard input is read by the first control process only, and kept by the parent. */
    async start() {
      const files = await source.start();
      source.onChange(onChange);
      if (input !== null) return [{ path: STANDARD_INPUT, text: input }, ...files];
      const read = files.find((file) => file.path === STANDARD_INPUT);
      if (read?.text != null) keepInput(read.text);
      return files;
    },
    async stop() {
      void source.stop();
      named.stop();
    },
  };
}

function clusterInputs(
  { onChange, log }: InputsContext,
  named: NamedFiles,
  cluster: NonNullable<RunOptions['cluster']>,
): Inputs {
  const source = new KubernetesSource(cluster, {
    changed: onChange,
    problem(_kind, problem) {
      if (problem === null) log.info('the API server answers as it should again');
      else
        log[problem.severity === 'error' ? 'error' : 'warn'](
          { code: problem.code },
          `${problem.message}; ${problem.help}`,
        );
    },
  });
  let reporter: Reporter | null = null;
  return {
    named,
    get reporter() {
      return reporter;
    },
    get canaryVersion() {
      return source.canaryVersion;
    },
    followSecrets: (names) => source.retainSecrets(names),
    problems: () => source.problems.values(),
    async start() {
      await source.connect();
      log.info(
        { server: source.credentials!.server.host, from: source.credentials!.origin },
        'following the cluster',
      );
      const all = await source.start();
      reporter = new Reporter(
        source.client!,
        ownIdentity(source.credentials!),
        source,
        cluster.mappingStatus,
        (what, problem) => source.writeProblem(what, problem),
      );
      reporter.start();
      return all;
    },
    async stop() {
      source.stop();
      named.stop();
      await reporter?.stop();
    },
  };
}
