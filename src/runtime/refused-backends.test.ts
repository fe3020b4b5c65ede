import { expect, test } from 'vitest';
import { refusedBackends } from './refused-backends.ts';

const refuses = refusedBackends(['127.0.0.5/32'], ['10.244.0.9', 'fd00::9']);

test.each([
  '127.0.0.1',
  '::1',
  '::ffff:127.0.0.1',
  '169.254.169.254',
  'fe80::1%eth0',
  '0.0.0.0',
  '10.244.0.9',
  'fd00:0::9',
])('%s is refused', (address) => {
  expect(refuses(address)).toContain('--allow-backend');
});

test.each(['10.244.0.10', '127.0.0.5', 'fd00::1', '192.168.0.1'])('%s may be a backend', (address) => {
  expect(refuses(address)).toBeNull();
});
