export interface Options {
  /** Seconds from the first signal, or from the exit, to the deadline. Default 10. */
  grace?: number;
  /** The exit status at the deadline, 1 to 255. Default 124. */
  exitStatus?: number;
  /**
   * The signals that start the clock, if the program has listeners for them. Default SIGTERM
   * and SIGINT; an empty list is none. A signal without a listener ends the process by itself,
   * as before.
   */
  signals?: NodeJS.Signals[];
  /** Whether the clock also starts when the process exits. Default true. */
  atExit?: boolean;
  /** Whether to write progress lines to standard error. Default false. */
  progress?: boolean;
  /** Whether reports on standard error are JSON, one line each. Default false. */
  json?: boolean;
  /** A file for hang reports as JSON. Default none. */
  reportFile?: string | null;
}

export class DeadstopError extends Error {
  code: 'ERR_DEADSTOP' | 'ERR_DEADSTOP_UNSUPPORTED' | 'ERR_DEADSTOP_WORKER';
}

/** Starts the watchdog: once, on the main thread. Throws a DeadstopError if it cannot. */
export function install(options?: Options): void;

/** Starts the clock without a cause. The earliest deadline stands; there is no disarm. */
export function arm(): void;

/** Does the same with a grace of its own, in seconds. */
export function armWithin(seconds: number): void;

/** Starts the clock; `by` is the cause in the report. Returns whether this call began it. */
export function request(by: string): boolean;

/** Returns whether the shutdown has begun. */
export function isRequested(): boolean;

/** Returns the seconds until the deadline, or null while there is none. */
export function remaining(): number | null;

/** Requests a report of what every thread does, now, on standard error. */
export function statusReport(): boolean;
