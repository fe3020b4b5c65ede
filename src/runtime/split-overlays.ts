import { readFileSync } from 'node:fs';
import type { SplitChangeReport } from '../admin/reports.ts';
import { overlayKey } from '../compiler/canaries/canary-table.ts';
import { findSplits, type SplitState } from '../compiler/canaries/split-state.ts';
import { type CanaryOverlay, readOverlay } from '../resources/serin/canary.ts';
import { overlayAfter, type SplitCommand } from '../resources/serin/overlay.ts';
import { writeState } from './state-folder.ts';

/** A command that cannot be obeyed; the message says why and what to do. */
export class SplitRefusal extends Error {}

/** What commands have set outside of a cluster, by name; kept in the state folder, where there is one. */
export class SplitOverlays {
  readonly #file: string | null;
  readonly #overlays: Map<string, CanaryOverlay>;

  /** @param folder the state folder; null = nothing is kept. Throws with one line for the user for a file that cannot be read. */
  constructor(folder: string | null) {
    this.#file = folder === null ? null : `${folder}/overlays.json`;
    this.#overlays = this.#file === null ? new Map() : readFile(this.#file);
  }

  /** All of them as they are now. */
  get all(): ReadonlyMap<string, CanaryOverlay> {
    return new Map(this.#overlays);
  }

  /**
   * Obeys a command; what has become of the split takes effect with the next compile. It is kept before it is true: a gateway that dies
   * right behind it comes back with it. Throws a {@link SplitRefusal}.
   */
  obey(splits: readonly SplitState[], name: string, command: SplitCommand, by: string): SplitChangeReport {
    const split = oneOf(splits, name);
    const overlay = overlayAfter(command, split, by, new Date().toISOString());
    const key = overlayKey(split.kind, split.name);
    const before = this.#overlays.get(key);
    if (overlay === null) this.#overlays.delete(key);
    else this.#overlays.set(key, overlay);
    try {
      this.#write();
    } catch (error) {
      if (before === undefined) this.#overlays.delete(key);
      else this.#overlays.set(key, before);
      throw new SplitRefusal(
        `${this.#file} cannot be written (${(error as Error).message}), so nothing has changed`,
      );
    }
    const weight = overlay?.weight ?? split.specWeight;
    return { kind: split.kind, name: split.name, before: split.weight, weight, overlay };
  }

  #write(): void {
    if (this.#file === null) return;
    const text = JSON.stringify({ version: 1, overlays: Object.fromEntries(this.#overlays) }, null, 2);
    writeState(this.#file, text);
  }
}

function readFile(file: string): Map<string, CanaryOverlay> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw new Error(`${file}: ${(error as Error).message}`);
  }
  try {
    const { overlays } = JSON.parse(text) as { overlays: Record<string, unknown> };
    return new Map(
      Object.entries(overlays).map(([name, written]) => {
        const overlay = readOverlay(written);
        if (overlay === null) throw new Error(`the overlay of ${name} is none`);
        return [name, overlay];
      }),
    );
  } catch (error) {
    throw new Error(
      `${file}: ${(error as Error).message}; mend it, or remove it to begin with the written weights`,
    );
  }
}

function oneOf(splits: readonly SplitState[], name: string): SplitState {
  const meant = findSplits(splits, name);
  const list = (some: readonly SplitState[]): string =>
    some.map((split) => `${split.kind.toLowerCase()}/${split.name}`).join(', ');
  if (meant.length === 1) return meant[0]!;
  if (meant.length > 1) throw new SplitRefusal(`"${name}" can mean ${list(meant)}; write one of these`);
  const known =
    splits.length === 0 ? 'there is no Canary and no Mapping with a weight' : `there are ${list(splits)}`;
  throw new SplitRefusal(`nothing is called "${name}": ${known}`);
}
