import {
  TaskCreate,
  TaskDelete,
  TaskExecAdded,
  TaskExecStarted,
  TaskExit,
  TaskOOM,
  TaskPaused,
  TaskResumed,
  TaskStart,
} from "../proto/containerd/events.ts";
import type { CreateTaskRequest } from "../proto/containerd/task.ts";
import { timestamp } from "../proto/containerd/timestamp.ts";
import type { Container } from "./container.ts";
import type { EventPublisher } from "./events.ts";
import type { Exit, Process } from "./process.ts";

/** What happens to tasks, in containerd's words. Whoever calls sees to the order. */
export class TaskEvents {
  readonly #publisher: EventPublisher;

  constructor(publisher: EventPublisher) {
    this.#publisher = publisher;
  }

  created({ id, bundle, pid }: Container, { rootfs, terminal, stdin, stdout, stderr }: CreateTaskRequest): void {
    this.#publisher.publish("containerd.events.TaskCreate", TaskCreate, {
      containerId: id,
      bundle,
      rootfs,
      io: { terminal, stdin, stdout, stderr },
      checkpoint: "",
      pid,
    });
  }

  started({ id }: Container, { execId, pid }: Process): void {
    if (execId === "") this.#publisher.publish("containerd.events.TaskStart", TaskStart, { containerId: id, pid });
    else
      this.#publisher.publish("containerd.events.TaskExecStarted", TaskExecStarted, { containerId: id, execId, pid });
  }

  execAdded({ id }: Container, execId: string): void {
    this.#publisher.publish("containerd.events.TaskExecAdded", TaskExecAdded, { containerId: id, execId });
  }

  exited({ id }: Container, { execId, pid }: Process, { status, at }: Exit): void {
    this.#publisher.publish("containerd.events.TaskExit", TaskExit, {
      containerId: id,
      id: execId === "" ? id : execId,
      pid,
      exitStatus: status,
      exitedAt: timestamp(at),
    });
  }

  deleted({ id, pid }: Container, { status, at }: Exit): void {
    this.#publisher.publish("containerd.events.TaskDelete", TaskDelete, {
      containerId: id,
      pid,
      exitStatus: status,
      exitedAt: timestamp(at),
      id: "",
    });
  }

  outOfMemory({ id }: Container): void {
    this.#publisher.publish("containerd.events.TaskOOM", TaskOOM, { containerId: id });
  }

  paused({ id }: Container): void {
    this.#publisher.publish("containerd.events.TaskPaused", TaskPaused, { containerId: id });
  }

  resumed({ id }: Container): void {
    this.#publisher.publish("containerd.events.TaskResumed", TaskResumed, { containerId: id });
  }
}
