import { guest } from "../proto/guest/methods.ts";
import { traced } from "../proto/trace.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import { randomBytes } from "./digest.ts";
import { restoreState } from "./migration.ts";
import { SHARED_TAG, VOLUMES_TAG } from "./qemu-args.ts";
import type { Vm } from "./vm.ts";
import type { VmConfig } from "./vm-config.ts";

/** Version of the guest protocol; proto/guest/guest.proto. */
const GUEST_PROTOCOL = 1;
const MIN_QEMU = { major: 8, minor: 2 };

/** Of a VM that is restored from a template: resolves when the guest's memory is there. */
export type Restored = Promise<void>;

/** Of a clone, which takes a moment; one that does not answer is given up, and a VM booted instead. */
const RESTORE_LIMIT_MS = 10_000;

/**
 * Waits for guest-init's first answer, no longer than the configuration allows, and sets the guest up. Every failure
 * ends the VM and becomes one Error: what went wrong, and what QEMU and the guest's console said last.
 */
export async function guardBoot(
  vm: Vm,
  config: VmConfig,
  restored: Restored | undefined,
  tails: () => string[],
): Promise<void> {
  const limitMs = restored ? Math.min(config.bootTimeoutMs, RESTORE_LIMIT_MS) : config.bootTimeoutMs;
  const limit = deadline(limitMs);
  try {
    const late = limit.passed.then(() => {
      throw new Error(`the guest was not ready within ${limitMs / 1000} s (accelerator ${config.accelerator})`);
    });
    const lost = vm.ended.then((reason) => {
      throw new Error(`the VM ended before the guest was ready: ${reason}`);
    });
    await Promise.race([boot(vm, config, restored).catch(leaveToExit), late, lost]);
  } catch (error) {
    await vm.stop();
    const message = error instanceof Error ? error.message : String(error);
    throw new Error([message, ...tails()].join("; "), { cause: error });
  } finally {
    limit.cancel();
  }
}

/** A connection that ended with QEMU says nothing; QEMU's exit status and its last words do, and they are on their way. */
function leaveToExit(error: unknown): Promise<never> {
  if (error instanceof RpcError && error.code === Code.Unavailable) return new Promise(() => {});
  throw error;
}

async function boot(vm: Vm, config: VmConfig, restored: Restored | undefined): Promise<void> {
  const checked = restored ? restore(vm, restored) : checkQemu(vm);
  const [hello] = await Promise.all([vm.guest.call(guest.hello, { version: GUEST_PROTOCOL }), checked]);
  if (hello.version !== GUEST_PROTOCOL) {
    throw new Error(
      `the initrd speaks guest protocol ${hello.version}, the shim ${GUEST_PROTOCOL}: install both from one build`,
    );
  }
  await vm.guest.call(guest.setup, {
    clockNs: Date.now() * 1_000_000,
    entropy: randomBytes(64),
    sharedTag: SHARED_TAG,
    volumesTag: config.volumesDir === undefined ? "" : VOLUMES_TAG,
  });
}

async function restore(vm: Vm, memory: Restored): Promise<void> {
  await Promise.all([checkQemu(vm), traced("memory is copied", () => memory)]);
  await traced("restore", () => restoreState(vm.qmp));
}

async function checkQemu(vm: Vm): Promise<void> {
  const { major, minor } = await traced("QEMU starts", () => vm.qmp.greeting);
  if (major < MIN_QEMU.major || (major === MIN_QEMU.major && minor < MIN_QEMU.minor)) {
    throw new Error(
      `QEMU ${major}.${minor} is too old: ${MIN_QEMU.major}.${MIN_QEMU.minor} or later is needed (on Debian 12 from backports)`,
    );
  }
  await vm.qmp.execute("qmp_capabilities");
}

function deadline(ms: number): { passed: Promise<void>; cancel(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  return { passed: promise, cancel: () => clearTimeout(timer) };
}
