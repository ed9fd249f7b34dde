// When keepalive runs under a supervisor: at once when a backend dies, and again after a pause that grows while it does not
// help. What is done about a death is keepalive's affair alone.
import type { SupervisorEvent } from '../../core/events.ts';
import { GracefulError } from '../../core/failure.ts';
import type { Outcomes } from '../../core/outcome.ts';
import type { Retry } from '../../core/status.ts';
import { attemptsThatCount, respawnDelayMs } from './respawn.ts';

export interface RecoveryHost {
  /** Brings the app to its desired state, which is all that can be done. */
  keepalive(reason: string): Promise<Outcomes['keepalive']>;
  /** Whether another backend is there to take over. */
  hasStandby(): boolean;
  emit(event: SupervisorEvent): void;
}

const BUSY_RETRY_MS = 1_000;

export class Recovery {
  readonly #host: RecoveryHost;
  #attempts = 0;
  #retry: (Retry & { readonly timer: NodeJS.Timeout }) | null = null;
  #isOver = false;

  constructor(host: RecoveryHost) {
    this.#host = host;
  }

  /** Set while a backend that keeps dying is waited for. */
  get retry(): Retry | null {
    if (this.#retry === null) return null;
    const { attempts, reason, nextTryAt } = this.#retry;
    return { attempts, reason, nextTryAt };
  }

  /** A backend that served has died, `readyForMs` after it had become ready. */
  afterDeath(reason: string, readyForMs: number): void {
    this.#attempts = attemptsThatCount(this.#attempts, readyForMs);
    this.#soon(reason);
  }

  /** `weight`: what a failure adds to the number of attempts. */
  async now(reason: string, weight = 1): Promise<void> {
    this.#clear();
    if (this.#isOver) return;
    try {
      const outcome = await this.#host.keepalive(reason);
      if (outcome.action === 'busy') this.#in(BUSY_RETRY_MS, outcome.reason);
    } catch (error) {
      this.#attempts += weight;
      this.#in(respawnDelayMs(this.#attempts), GracefulError.from(error).message);
    }
  }

  /** Nothing is done by itself any more. */
  end(): void {
    this.#isOver = true;
    this.#clear();
  }

  /** At once when another backend is there to take over, or the first time; else after a pause that grows. */
  #soon(reason: string): void {
    const hasStandby = this.#host.hasStandby();
    const pauseMs = hasStandby ? 0 : respawnDelayMs(this.#attempts);
    if (!hasStandby) this.#attempts += 1;
    // This attempt is counted already.
    if (pauseMs === 0) void this.now(reason, hasStandby ? 1 : 0);
    else this.#in(pauseMs, reason);
  }

  #in(delayMs: number, reason: string): void {
    if (this.#isOver) return;
    this.#clear();
    const timer = setTimeout(() => void this.now(reason), delayMs);
    const nextTryAt = new Date(Date.now() + delayMs).toISOString();
    this.#retry = { attempts: this.#attempts, reason, nextTryAt, timer };
    this.#host.emit({ type: 'retry-scheduled', attempts: this.#attempts, delayMs, reason });
  }

  #clear(): void {
    if (this.#retry !== null) clearTimeout(this.#retry.timer);
    this.#retry = null;
  }
}
