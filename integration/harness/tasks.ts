/** containerd's Tasks service over gRPC: for what ctr cannot hold, such as a task that is created and not started. */
import { join } from "node:path";
import {
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const VENDOR = join(import.meta.dirname, "../vendor");
const CALL_LIMIT_MS = 60_000;

/** A response; numbers of 64 bits are strings. */
export type Answer = Readonly<Record<string, unknown>>;
type Unary = (
  request: object,
  metadata: Metadata,
  options: object,
  done: (error: unknown, answer: Answer) => void,
) => void;

/** A method's name of containerd.services.tasks.v1.Tasks. */
export type Method =
  | "Create"
  | "Start"
  | "Delete"
  | "DeleteProcess"
  | "Get"
  | "Kill"
  | "Exec"
  | "ResizePty"
  | "CloseIO"
  | "Pause"
  | "Resume"
  | "ListPids"
  | "Update"
  | "Metrics"
  | "Wait";

export class Tasks {
  readonly #client: InstanceType<ServiceClientConstructor>;

  /** `address`: path of containerd's gRPC socket. */
  constructor(address: string) {
    const definition = loadSync("github.com/containerd/containerd/api/services/tasks/v1/tasks.proto", {
      includeDirs: [VENDOR],
      keepCase: true,
      longs: String,
      enums: String,
      defaults: true,
    });
    const at = (object: GrpcObject, ...names: string[]) =>
      names.reduce<unknown>((o, name) => (o as GrpcObject)[name], object);
    const Service = at(loadPackageDefinition(definition), "containerd", "services", "tasks", "v1", "Tasks");
    this.#client = new (Service as ServiceClientConstructor)(`unix:${address}`, credentials.createInsecure());
  }

  call(method: Method, request: object): Promise<Answer> {
    const metadata = new Metadata();
    metadata.set("containerd-namespace", "default");
    return new Promise((resolve, reject) => {
      const call = (this.#client as unknown as Record<Method, Unary>)[method];
      const options = { deadline: Date.now() + CALL_LIMIT_MS };
      call.call(this.#client, request, metadata, options, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  }

  /** The gRPC code that a call fails with; 0 if it does not. */
  async code(method: Method, request: object): Promise<number> {
    return this.call(method, request).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
  }

  close(): void {
    this.#client.close();
  }
}
