/** Which method may be called when: fresh, ready, running, aborted, failed, closed. */
import { SimulationError, StudyError } from '../errors.js';

export type Status = 'fresh' | 'ready' | 'running' | 'aborted' | 'failed' | 'closed';

/** Raised inside a running call when the simulation is closed under it. */
export function closedError(method: string): StudyError {
  return new StudyError('SIMULATION_CLOSED', `${method}: the simulation is closed`, {
    hint: 'make a new one, or resume from a checkpoint',
  });
}

export class Lifecycle {
  private current: Status = 'fresh';
  private failure: unknown;
  closing = false;

  get status(): Status {
    return this.closing ? 'closed' : this.current;
  }

  /** Refuses a call that needs a simulation at rest and in order. */
  require(method: string): void {
    if (this.status === 'closed') throw closedError(method);
    if (this.current === 'running') {
      throw new StudyError('SIMULATION_BUSY', `${method}: the simulation is running`, {
        hint: 'await the call before; inside `for await` over sample(), use sample({ buffer: 0 })',
      });
    }
    if (this.current === 'failed') {
      const what = this.failure instanceof Error ? `: ${this.failure.message}` : '';
      throw new SimulationError('SIMULATION_FAILED', `${method}: the simulation has failed${what}`, {
        hint: 'lastGoodFrame() and postMortem() show what happened; go on from a checkpoint',
        cause: this.failure,
      });
    }
  }

  enter(method: string): void {
    this.require(method);
    this.current = 'running';
  }

  leave(status: 'ready' | 'aborted'): void {
    if (this.current === 'running') this.current = status;
  }

  fail(error: unknown): void {
    this.current = 'failed';
    this.failure = error;
  }

  /** The stage begins anew: nothing is known of its start state yet. */
  renew(): void {
    this.current = 'fresh';
  }

  /** From now on every call is refused, and a running one comes out at its next step. */
  close(): void {
    this.closing = true;
  }
}
