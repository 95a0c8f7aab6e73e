import type { Readable } from "node:stream";
import { GuestMemory } from "../vmm/guest-memory.ts";
import type { OwnCopy } from "../vmm/processes.ts";
import { templateKey } from "../vmm/template-key.ts";
import { TemplateStore } from "../vmm/template-store.ts";
import type { VmConfig } from "../vmm/vm-config.ts";
import type { Log } from "./log.ts";
import type { Settings } from "./settings.ts";
import { startMaker, TEMPLATES } from "./template-action.ts";

/** The template of one VM, as far as the settings want any. Whatever is wrong with it, the VM boots without one. */
export class Template {
  readonly #config: VmConfig;
  readonly #policy: Settings["template"];
  readonly #log: Log;
  #hasFailed = false;
  readonly #store = new TemplateStore(TEMPLATES);

  constructor(config: VmConfig, policy: Settings["template"], log: Log) {
    this.#config = config;
    this.#policy = policy;
    this.#log = log;
  }

  /** Undefined if there is none, or none that may be used. Whoever gets it uses or closes both. */
  begin(): OwnCopy | undefined {
    if (this.#policy === "off") return undefined;
    try {
      const template = this.#store.open(templateKey(this.#config));
      const { memory, memoryMib } = this.#config;
      return template && { template, memory: new GuestMemory(memory, memoryMib, template) };
    } catch (error) {
      this.#log.write("warning", `the template is not used: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** No VM came of it. */
  failed(error: Error): void {
    this.#log.write("warning", `no VM from the template, one boots instead: ${error.message}`);
    this.#hasFailed = true;
  }

  /**
   * A VM has booted: has a template made for the next one of this kind, by a process of its own that outlives this one.
   * If there is one of which no VM came it was at fault, and goes.
   */
  order(): void {
    if (this.#hasFailed) this.#store.remove(templateKey(this.#config));
    if (this.#policy !== "auto") return;
    const child = startMaker([this.#config], true);
    child.on("error", (error) => this.#log.write("warning", `no template is made: ${error.message}`));
    const errors = child.stderr as Readable & { unref(): void };
    errors.on("data", (text: Buffer) => this.#log.write("warning", `template: ${text.toString("utf8").trim()}`));
    errors.unref();
    child.unref();
  }
}
