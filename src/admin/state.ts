import type { MetricsInput } from '../metrics/families.ts';
import type { ErrorsReport, RoutesReport, ServicesReport } from './reports.ts';

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
}
