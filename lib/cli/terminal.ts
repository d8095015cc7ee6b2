/** Where a command writes (interface.md 1): results on stdout, everything else on stderr, and one live line of progress. */
import { createColors } from 'picocolors';
import { IonclayError } from '../errors.js';

/** The streams and the environment of one call of the command line; tests give their own. */
export interface Io {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted with an {@link InterruptedError} by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Why an abort signal fired: the process was asked to end. Exit status 130 or 143. */
export class InterruptedError extends IonclayError {
  override readonly kind = 'work';
  constructor(readonly signalName: 'SIGINT' | 'SIGTERM') {
    super('INTERRUPTED', `interrupted by ${signalName}`);
  }
}

/** Milliseconds between two progress lines where the output is no terminal, and between two updates of the live line. */
const PLAIN_INTERVAL = 30_000;
const LIVE_INTERVAL = 100;

/** What a command may say: colours only on a terminal and never under NO_COLOR; `--quiet` silences progress, not warnings. */
export class Terminal {
  readonly live: boolean;
  readonly colors: ReturnType<typeof createColors>;
  #shown = false;
  #last = Number.NEGATIVE_INFINITY;
  #pending: string | null = null;

  constructor(
    readonly io: Io,
    readonly quiet: boolean,
  ) {
    this.live = io.stderr.isTTY === true && io.env.TERM !== 'dumb';
    this.colors = createColors(this.live && !io.env.NO_COLOR);
  }

  /** Progress: a live line on a terminal, one line every 30 s elsewhere. `text` is a function so that unseen lines cost nothing. */
  progress(text: () => string, now = Date.now()): void {
    if (this.quiet) return;
    if (!this.live) {
      if (this.#last === Number.NEGATIVE_INFINITY) this.#last = now;
      if (now - this.#last < PLAIN_INTERVAL) return;
      this.#last = now;
      this.io.stderr.write(`${text()}\n`);
      return;
    }
    if (now - this.#last < LIVE_INTERVAL) return;
    this.#last = now;
    const width = Math.max(20, (this.io.stderr.columns ?? 80) - 1);
    this.#pending = text().slice(0, width);
    this.io.stderr.write(`\r\u001b[2K${this.#pending}`);
    this.#shown = true;
  }

  /** A line that stays, above the live line. */
  note(text: string): void {
    if (!this.quiet) this.#line(text);
  }

  warn(text: string): void {
    this.#line(`${this.colors.yellow('warning:')} ${text}`);
  }

  /** Takes the live line away. */
  clear(): void {
    if (this.#shown) this.io.stderr.write('\r\u001b[2K');
    this.#shown = false;
  }

  #line(text: string): void {
    const again = this.#shown ? this.#pending : null;
    this.clear();
    this.io.stderr.write(`${text}\n`);
    if (again !== null) {
      this.io.stderr.write(again);
      this.#shown = true;
    }
  }
}
