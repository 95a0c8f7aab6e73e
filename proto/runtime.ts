// The protobuf runtime that proto/gen is bound to.
import protobuf from "protobufjs/minimal.js";

// 64-bit fields are numbers, as the generated types say: seconds and nanoseconds of a clock, where a double's 53 bits
// cost at most 256 ns. Without this the runtime picks up the `long` package if it happens to be installed.
protobuf.util.Long = null as never;
protobuf.configure();

export default protobuf;
