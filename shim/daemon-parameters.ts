import type { RuntimeOptions } from "./options.ts";

/** What `start` hands to the daemon, as JSON in an environment variable: the command line is for everybody to see. */
export interface DaemonParameters {
  readonly id: string;
  readonly group: string;
  readonly namespace: string;
  readonly bundle: string;
  /** Path of the socket that the daemon inherits as descriptor 3. */
  readonly socket: string;
  /** containerd's ttrpc socket, for events. */
  readonly ttrpcAddress: string;
  readonly debug: boolean;
  readonly options: RuntimeOptions;
}

export const DAEMON_VARIABLE = "MICROVM_DAEMON";

/** glibc's malloc takes memory for each thread otherwise: a megabyte of a daemon whose other threads hardly work. */
export const ONE_ARENA = { MALLOC_ARENA_MAX: "1" };

/** Set by microvm-share to why the daemon's mount namespace is not what it has to be. */
export const SHARE_ERROR_VARIABLE = "MICROVM_SHARE_ERROR";
