import type { HeaderEdits } from '../model/backend.ts';
import { defaultHttpSettings, type HttpSettings, type PathRules } from '../model/http-settings.ts';
import { AddressGate } from './address-gate.ts';

/** The Module's settings for heads as calls ask for them: made once for each change of them, and compared by identity. */
export class HttpRuntime {
  readonly settings: HttpSettings;
  readonly path: PathRules;
  /** See {@link HttpSettings.envoyHeaders}. */
  readonly envoyHeaders: boolean;
  /** What every answer gets; null = nothing. */
  readonly answerEdits: HeaderEdits | null;
  /** Some calls are changed before they are routed: `shapeCall` looks at each. */
  readonly shapesCalls: boolean;
  /** Who may call; null = everybody. */
  readonly gate: AddressGate | null;

  constructor(settings: HttpSettings) {
    const { serverName } = settings;
    this.settings = settings;
    this.path = settings.path;
    this.envoyHeaders = settings.envoyHeaders;
    this.answerEdits =
      serverName === null
        ? null
        : { remove: [], add: [{ name: 'server', value: serverName, append: false }] };
    this.shapesCalls = settings.underscores !== 'allow' || settings.compression !== null;
    this.gate = settings.addressRules.length === 0 ? null : new AddressGate(settings.addressRules);
  }
}

/** What holds before anything was read. */
export const defaultHttp: HttpRuntime = new HttpRuntime(defaultHttpSettings);
