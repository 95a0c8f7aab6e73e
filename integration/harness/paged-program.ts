/** Where the kernel loads it: a program without a base of its own is always there. */
const ADDRESS = 0x400000;
const HEADERS = 64 + 56;
const PAGE = 4096;

/**
 * A program for x86_64 of many pages, each of which adds its number (0 to 255) to the exit status and goes on to the next:
 * one page that is not its own, and the status is wrong. The code of any two lies at the same addresses. The format is
 * elf(5)'s.
 */
export function pagedProgram(numbers: Uint8Array): Buffer {
  const program = Buffer.alloc((numbers.length + 1) * PAGE);
  headers(program);
  // xor edi, edi; jmp to the next page
  const next = (at: number) => [0xe9, ...int32(PAGE - (at + 5))];
  program.set([0x31, 0xff, ...next(HEADERS + 2)], HEADERS);
  for (const [index, number] of numbers.entries()) {
    // add edi, number; and then the next page, or: mov eax, 60 (exit); syscall
    const rest = index + 1 < numbers.length ? next(6) : [0xb8, 60, 0, 0, 0, 0x0f, 0x05];
    program.set([0x81, 0xc7, ...int32(number), ...rest], (index + 1) * PAGE);
  }
  return program;
}

function headers(program: Buffer): void {
  // 64 bits, little-endian, version 1; an executable for x86_64, version 1.
  program.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  program.set([2, 0, 62, 0, 1], 16);
  program.writeBigUInt64LE(BigInt(ADDRESS + HEADERS), 24);
  program.writeBigUInt64LE(64n, 32);
  // Sizes of the headers, and one of the second kind: the whole file is loaded, to be read and executed.
  program.writeUInt16LE(64, 52);
  program.writeUInt16LE(56, 54);
  program.writeUInt16LE(1, 56);
  program.writeUInt32LE(1, 64);
  program.writeUInt32LE(5, 68);
  for (const at of [80, 88]) program.writeBigUInt64LE(BigInt(ADDRESS), at);
  for (const at of [96, 104]) program.writeBigUInt64LE(BigInt(program.length), at);
  program.writeBigUInt64LE(BigInt(PAGE), 112);
}

function int32(value: number): number[] {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return [...bytes];
}
