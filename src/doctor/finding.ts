// What one check has to say. Sentences stand beside the check that found them: nothing else knows as much.

/** How bad it is, the mildest first. */
export const SEVERITIES = ['ok', 'note', 'warning', 'error'] as const;

/**
 * `ok`: as it should be · `note`: worth knowing, nothing to mend · `warning`: will cost requests some day · `error`: requests
 * fail, or the next update will.
 */
export type Severity = (typeof SEVERITIES)[number];

export interface Finding {
  /** The check that found it; the same name in every release, for scripts. */
  readonly check: string;
  readonly severity: Severity;
  readonly message: string;
  /** What to type or to change; null where there is nothing to mend. */
  readonly fix: string | null;
}

/** A finding before it is known whose it is. */
export type Remark = Omit<Finding, 'check'>;

export const ok = (message: string): Remark => ({ severity: 'ok', message, fix: null });
export const note = (message: string, fix: string | null = null): Remark => ({ severity: 'note', message, fix });
export const warning = (message: string, fix: string): Remark => ({ severity: 'warning', message, fix });
export const error = (message: string, fix: string): Remark => ({ severity: 'error', message, fix });
