import type { MetricsInput } from '../metrics/families.ts';
import type { SplitCommand } from '../resources/serin/overlay.ts';
import type {
  ErrorsReport,
  RoutesReport,
  ServicesReport,
  SplitChangeReport,
  SplitsReport,
} from './reports.ts';

/** Whether traffic should be sent here, and what is missing. */
export interface Readiness {
  readonly ready: boolean;
  /** One sentence. */
  readonly why: string;
}

/** What the admin server shows; the runtime provides it. */
export interface AdminState {
  readiness(): Readiness;
  metrics(): MetricsInput;
  routes(): RoutesReport;
  services(): ServicesReport;
  errors(): ErrorsReport;
  splits(): SplitsReport;
  /** Obeys a command; resolves when all workers serve what it leads to. Rejects with a sentence for the user. */
  changeSplit(name: string, command: SplitCommand, by: string): Promise<SplitChangeReport>;
}
