// What the compiler does not carry into dist/: files that are read at run time.
import { chmodSync, cpSync, existsSync } from 'node:fs';

for (const [from, to] of [['src/cli/demo/helloworld.proto', 'dist/cli/demo/helloworld.proto']]) {
  if (existsSync(from)) cpSync(from, to);
}
if (existsSync('dist/cli/main.js')) chmodSync('dist/cli/main.js', 0o755);
