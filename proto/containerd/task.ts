// The Task service, versions 2 and 3: the same but for the package.
import { containerd, google } from "../gen/messages.js";
import type { Decoded } from "../ttrpc/codec.ts";
import { method } from "../ttrpc/method.ts";

const v3 = containerd.task.v3;
const { Empty } = google.protobuf;
type In<Message extends object> = Decoded<Message>;

/** The methods of `containerd.task.v2.Task` or `containerd.task.v3.Task`. */
export function taskMethods(version: 2 | 3) {
  const service = `containerd.task.v${version}.Task`;
  return {
    create: method(service, "Create", v3.CreateTaskRequest, v3.CreateTaskResponse),
    state: method(service, "State", v3.StateRequest, v3.StateResponse),
    start: method(service, "Start", v3.StartRequest, v3.StartResponse),
    delete: method(service, "Delete", v3.DeleteRequest, v3.DeleteResponse),
    pids: method(service, "Pids", v3.PidsRequest, v3.PidsResponse),
    pause: method(service, "Pause", v3.PauseRequest, Empty),
    resume: method(service, "Resume", v3.ResumeRequest, Empty),
    checkpoint: method(service, "Checkpoint", v3.CheckpointTaskRequest, Empty),
    kill: method(service, "Kill", v3.KillRequest, Empty),
    exec: method(service, "Exec", v3.ExecProcessRequest, Empty),
    resizePty: method(service, "ResizePty", v3.ResizePtyRequest, Empty),
    closeIo: method(service, "CloseIO", v3.CloseIORequest, Empty),
    update: method(service, "Update", v3.UpdateTaskRequest, Empty),
    wait: method(service, "Wait", v3.WaitRequest, v3.WaitResponse),
    stats: method(service, "Stats", v3.StatsRequest, v3.StatsResponse),
    connect: method(service, "Connect", v3.ConnectRequest, v3.ConnectResponse),
    shutdown: method(service, "Shutdown", v3.ShutdownRequest, Empty),
  };
}

/** containerd.v1.types.Status: what State says of a process. */
export const Status = {
  Unknown: 0,
  Created: 1,
  Running: 2,
  Stopped: 3,
  Paused: 4,
  Pausing: 5,
} as const satisfies Record<string, containerd.v1.types.Status>;

// Requests as a handler receives them.
export type CreateTaskRequest = In<containerd.task.v3.CreateTaskRequest.$Properties>;
export type StateRequest = In<containerd.task.v3.StateRequest.$Properties>;
export type StartRequest = In<containerd.task.v3.StartRequest.$Properties>;
export type DeleteRequest = In<containerd.task.v3.DeleteRequest.$Properties>;
export type PidsRequest = In<containerd.task.v3.PidsRequest.$Properties>;
export type PauseRequest = In<containerd.task.v3.PauseRequest.$Properties>;
export type ResumeRequest = In<containerd.task.v3.ResumeRequest.$Properties>;
export type CheckpointTaskRequest = In<containerd.task.v3.CheckpointTaskRequest.$Properties>;
export type KillRequest = In<containerd.task.v3.KillRequest.$Properties>;
export type ExecProcessRequest = In<containerd.task.v3.ExecProcessRequest.$Properties>;
export type ResizePtyRequest = In<containerd.task.v3.ResizePtyRequest.$Properties>;
export type CloseIoRequest = In<containerd.task.v3.CloseIORequest.$Properties>;
export type UpdateTaskRequest = In<containerd.task.v3.UpdateTaskRequest.$Properties>;
export type WaitRequest = In<containerd.task.v3.WaitRequest.$Properties>;
export type StatsRequest = In<containerd.task.v3.StatsRequest.$Properties>;
export type ConnectRequest = In<containerd.task.v3.ConnectRequest.$Properties>;
export type ShutdownRequest = In<containerd.task.v3.ShutdownRequest.$Properties>;

// Responses as a handler gives them.
export type CreateTaskResponse = containerd.task.v3.CreateTaskResponse.$Properties;
export type StateResponse = containerd.task.v3.StateResponse.$Properties;
export type StartResponse = containerd.task.v3.StartResponse.$Properties;
export type DeleteResponse = containerd.task.v3.DeleteResponse.$Properties;
export type PidsResponse = containerd.task.v3.PidsResponse.$Properties;
export type WaitResponse = containerd.task.v3.WaitResponse.$Properties;
export type StatsResponse = containerd.task.v3.StatsResponse.$Properties;
export type ConnectResponse = containerd.task.v3.ConnectResponse.$Properties;

/** A mount of a container's rootfs, as a request carries it. */
export type Mount = In<containerd.types.Mount.$Properties>;
export type ProcessInfo = containerd.v1.types.ProcessInfo.$Properties;
