// The control protocol with guest-init, service microvm.guest.v1.Guest. See ../guest.md.
import { microvm } from "../gen/messages.js";
import type { Decoded } from "../ttrpc/codec.ts";
import { method } from "../ttrpc/method.ts";

const v1 = microvm.guest.v1;
const service = "microvm.guest.v1.Guest";

export const guest = {
  hello: method(service, "Hello", v1.HelloRequest, v1.HelloResponse),
  setup: method(service, "Setup", v1.SetupRequest, v1.SetupResponse),
  /** Server-streaming: for `TtrpcClient.subscribe`. */
  events: method(service, "Events", v1.EventsRequest, v1.Event),
  create: method(service, "Create", v1.CreateRequest, v1.CreateResponse),
  start: method(service, "Start", v1.StartRequest, v1.StartResponse),
  signal: method(service, "Signal", v1.SignalRequest, v1.SignalResponse),
  exec: method(service, "Exec", v1.ExecRequest, v1.ExecResponse),
  resize: method(service, "Resize", v1.ResizeRequest, v1.ResizeResponse),
  pids: method(service, "Pids", v1.PidsRequest, v1.PidsResponse),
  stats: method(service, "Stats", v1.StatsRequest, v1.StatsResponse),
  update: method(service, "Update", v1.UpdateRequest, v1.UpdateResponse),
  freeze: method(service, "Freeze", v1.FreezeRequest, v1.FreezeResponse),
  setClock: method(service, "SetClock", v1.SetClockRequest, v1.SetClockResponse),
  network: method(service, "Network", v1.NetworkRequest, v1.NetworkResponse),
  dial: method(service, "Dial", v1.DialRequest, v1.DialResponse),
  delete: method(service, "Delete", v1.DeleteRequest, v1.DeleteResponse),
  template: method(service, "Template", v1.TemplateRequest, v1.TemplateResponse),
  shutdown: method(service, "Shutdown", v1.ShutdownRequest, v1.ShutdownResponse),
};

export type HelloResponse = Decoded<microvm.guest.v1.HelloResponse.$Properties>;
export type SetupRequest = microvm.guest.v1.SetupRequest.$Properties;
/** One of `exit` and `oom` is not null; both are for an event that this version does not know. */
export type GuestEvent = Decoded<microvm.guest.v1.Event.$Properties>;
export type GuestExit = Decoded<microvm.guest.v1.Exit.$Properties>;
export type Stdio = microvm.guest.v1.Stdio.$Properties;
export type CreateRequest = microvm.guest.v1.CreateRequest.$Properties;
export type SignalRequest = microvm.guest.v1.SignalRequest.$Properties;
export type GuestProcess = Decoded<microvm.guest.v1.Process.$Properties>;
export type GuestStats = Decoded<microvm.guest.v1.StatsResponse.$Properties>;
export type DialRequest = microvm.guest.v1.DialRequest.$Properties;
export type NetworkRequest = microvm.guest.v1.NetworkRequest.$Properties;
