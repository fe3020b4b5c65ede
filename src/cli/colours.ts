import pc from 'picocolors';

const { FORCE_COLOR } = process.env;
const isWanted = process.stdout.isTTY === true || (FORCE_COLOR !== undefined && FORCE_COLOR !== '0');

/** Colours for a terminal only (https://no-color.org, https://force-color.org): what is read by a program, in CI too, has none. */
export const colours: ReturnType<typeof pc.createColors> = pc.createColors(pc.isColorSupported && isWanted);
