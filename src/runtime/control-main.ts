import { setFlagsFromString } from 'node:v8';
import { Control } from './control.ts';
import { makeLogger } from './logger.ts';
import type { FromControl, ToControl } from './messages.ts';

// A compile of 10,000 Mappings is over before code that V8 optimises during it is of use: optimising later takes 20 % less CPU
// (1.35 → 1.08 s, measured with Node 20 on two cores), which the workers that load beside it get. Newer V8s
// do not know the flag and complain on standard error.
if (Number.parseInt(process.versions.node, 10) < 22) setFlagsFromString('--interrupt-budget=1000000');

/** Entry of the control process; the parent says `begin`, and when the parent goes it goes. */
let control: Control | null = null;

process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit(0));

function send(message: FromControl): void {
  if (process.connected) process.send!(message);
}

process.on('message', (message: ToControl) => {
  if (message.type === 'begin') {
    try {
      control = new Control(message, send, makeLogger(message.options.logFormat, 'control'));
      control.start().catch((error: Error) => send({ type: 'fatal', message: error.message }));
    } catch (error) {
      send({ type: 'fatal', message: (error as Error).message });
    }
  } else control?.receive(message);
});

send({ type: 'loaded' });
