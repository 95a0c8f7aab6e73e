// Events of a task, and the service of containerd that takes them.
import { containerd, google } from "../gen/messages.js";
import type { Codec } from "../ttrpc/codec.ts";
import { method } from "../ttrpc/method.ts";
import { type Any, packAny } from "./any.ts";

const events = containerd.events;

/** Hands containerd one event, on its ttrpc socket. */
export const forward = method(
  "containerd.services.events.ttrpc.v1.Events",
  "Forward",
  containerd.services.events.ttrpc.v1.ForwardRequest,
  google.protobuf.Empty,
);

export type Envelope = containerd.types.Envelope.$Properties;

/** The messages of a task's events, to be given to `packEvent`. */
export const { TaskCreate, TaskStart, TaskDelete, TaskExit, TaskOOM, TaskExecAdded, TaskExecStarted } = events;
export const { TaskPaused, TaskResumed, TaskCheckpointed } = events;

/** The topic of each type of event; the keys are the type URLs. */
export const topics = {
  "containerd.events.TaskCreate": "/tasks/create",
  "containerd.events.TaskStart": "/tasks/start",
  "containerd.events.TaskDelete": "/tasks/delete",
  "containerd.events.TaskExit": "/tasks/exit",
  "containerd.events.TaskOOM": "/tasks/oom",
  "containerd.events.TaskExecAdded": "/tasks/exec-added",
  "containerd.events.TaskExecStarted": "/tasks/exec-started",
  "containerd.events.TaskPaused": "/tasks/paused",
  "containerd.events.TaskResumed": "/tasks/resumed",
  "containerd.events.TaskCheckpointed": "/tasks/checkpointed",
} as const;

export type EventType = keyof typeof topics;

/** An event as an envelope carries it: `packEvent("containerd.events.TaskExit", TaskExit, {...})`. */
export function packEvent<Fields extends object>(type: EventType, codec: Codec<Fields>, message: Fields): Any {
  return packAny(type, codec, message);
}
