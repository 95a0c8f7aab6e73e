import { microvm, runc } from "../harness/paths.ts";

export const RUNTIMES = { runc, microvm };
export type Name = keyof typeof RUNTIMES;
export const NAMES: readonly Name[] = ["runc", "microvm"];
