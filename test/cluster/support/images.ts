import { built, repository } from './environment.ts';

/** What an image stands for on this machine. */
export interface Image {
  /** Its entry point; a container's `args` come behind it. */
  readonly command: readonly string[];
  /** Its environment; a container's own wins. */
  readonly environment: Readonly<Record<string, string>>;
  /** The user id that it runs as by itself. */
  readonly user: number;
  /** Files and folders of this machine that it has, read-only. */
  readonly files: readonly { readonly from: string; readonly to: string }[];
}

/** The tests' own backend, in whichever version the tag says: `serin-test/backend:1.0`. */
export const backendImage = 'serin-test/backend';

const serin: Image = {
  command: ['/nodejs/bin/node', '/app/dist/cli/main.js'],
  environment: { NODE_ENV: 'production' },
  user: 65532,
  files: [
    { from: process.execPath, to: '/nodejs/bin/node' },
    ...['dist', 'node_modules', 'package.json'].map((name) => ({
      from: `${repository}/${name}`,
      to: `/app/${name}`,
    })),
  ],
};

/** Each name, without registry and tag, and what it stands for. The images of the examples are the tests' backend too. */
const table: readonly (readonly [RegExp, (tag: string) => Image])[] = [
  [/(^|\/)serin$/, () => serin],
  [/(^|\/)(serin-test\/backend|grpc-server-test)$/, backend],
  [/(^|\/)java-example-hostname$/, () => ({ ...backend(''), command: ['/backend', 'hostname'] })],
  [
    /(^|\/)pause$/,
    () => ({ command: ['/usr/bin/sleep', 'infinity'], environment: {}, user: 65535, files: [] }),
  ],
];

/** What an image's name stands for here; null for one that a kubelet could not pull. */
export function findImage(name: string): Image | null {
  const [, repository = '', tag = 'latest'] = /^([^@]+?)(?::([^:/@]+))?(?:@.*)?$/.exec(name) ?? [];
  const row = table.find(([pattern]) => pattern.test(repository));
  return row === undefined ? null : row[1](tag);
}

function backend(version: string): Image {
  return {
    command: ['/backend', 'serve'],
    environment: { VERSION: version },
    user: 0,
    files: [{ from: built.backend, to: '/backend' }],
  };
}
