/** Which of containerd's tests concern a runtime, and where this one is meant to answer otherwise than runc. */

/** Tests that make no container, or need what the world does not have. */
const ELSEWHERE: readonly [string, RegExp][] = [
  ["images, contents and leases", /^Test(Image|Pull|Export|Import|Transfer|Convert|Content|Lease|Snapshotter|Mount)/],
  ["the connection to containerd", /^Test(NewClient|Client)/],
  ["containerd's own records", /^Test(Migration|DefaultRuntimeWithNamespaceLabels|IDMappedOverlay|ContainerList)$/],
  ["criu", /^TestCheckpoint/],
  ["a runc that fails on purpose", /^TestIssue(9103|10589)$/],
];

export function concernsRuntime(test: string): boolean {
  return !ELSEWHERE.some(([, pattern]) => pattern.test(test));
}

const RUNC_ITSELF = "it runs or replaces the program runc; containerd skips it for any other";

/** What runc passes and this runtime does not, and why. */
export const DIFFERENCES: Readonly<Record<string, string>> = {
  TestKillContainerDeletedByRunc: RUNC_ITSELF,
  TestTaskUpdate: "it looks for the container's memory limit on the host, where the VM's is, which is larger",
};

/** What tests of their own pace may take, in seconds. */
const LIMITS_S: Readonly<Record<string, number>> = {
  // 100 execs write seven million characters each: seven seconds emulated, of which the program counts for four.
  TestContainerExecLargeOutputWithTTY: 1500,
};

/** How long a test may take, in seconds. */
export function limitOf(test: string): number {
  return LIMITS_S[test] ?? 150;
}
