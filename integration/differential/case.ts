/** What a comparison is: data, which the runner turns into containers under both runtimes. */
import type { DifferenceName } from "./differences.ts";
import type { Spec } from "./spec.ts";

/** What of a program's end a client sees. `stdout` and `stderr` hold a byte a character. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One named comparison. Without more, both runtimes must give the same outcome. */
export interface Comparison {
  readonly name: string;
  /** Removes what differs from run to run under one runtime, too. */
  readonly same?: (outcome: Outcome) => Outcome;
  /** An intended difference, and the form in which both are still the same. It must be there. */
  readonly differs?: readonly [DifferenceName, (outcome: Outcome) => Outcome];
  /** What runc's own outcome has to look like: for a comparison in which two failures would look alike. */
  readonly expect?: Partial<Outcome>;
}

/** How the container is made. */
export interface Making {
  /** Flags of `ctr run`. */
  readonly flags?: readonly string[];
  /** Changes config.json, which is then given instead of an image; the root file system is a directory then. */
  readonly spec?: (spec: Spec, rootfs: string) => void;
  /** Changes that directory before. */
  readonly prepare?: (rootfs: string) => void;
}

/** Shell scripts that share one container, each a comparison of its own. */
export interface Shared extends Making {
  readonly name: string;
  readonly scripts: readonly (Comparison & { readonly script: string })[];
  /** Under every containerd; else under one. */
  readonly everywhere?: boolean;
}

/** A program with a container of its own. */
export interface Single extends Making, Comparison {
  readonly args: readonly string[];
  /** Bytes for standard input, given when the program has printed "ready"; without them it is /dev/null. */
  readonly input?: Buffer | string;
  readonly everywhere?: boolean;
}
