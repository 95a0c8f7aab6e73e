#include "assemble.h"

void emit(struct program *program, uint8_t code, int destination, int source,
          int offset, int immediate) {
  program->instructions[program->length++] =
      (struct bpf_insn){.code = code,
                        .dst_reg = destination,
                        .src_reg = source,
                        .off = offset,
                        .imm = immediate};
}

void place(struct program *program, int label) {
  program->targets[label] = program->length;
}

void jump(struct program *program, uint8_t operation, int reg, int immediate,
          int label) {
  program->jumps[program->length] = label;
  emit(program, BPF_JMP | operation | BPF_K, reg, 0, 0, immediate);
}

void jump_compared(struct program *program, uint8_t operation, int reg,
                   int other, int label) {
  program->jumps[program->length] = label;
  emit(program, BPF_JMP | operation | BPF_X, reg, other, 0, 0);
}

void set(struct program *program, int reg, int value) {
  emit(program, BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value);
}

void copy(struct program *program, int to, int from) {
  emit(program, BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

void load(struct program *program, int reg, int base, int offset) {
  emit(program, BPF_LDX | BPF_MEM | BPF_W, reg, base, offset, 0);
}

void store(struct program *program, int offset, int reg) {
  emit(program, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, reg, offset, 0);
}

void call_map(struct program *program, int function, int map, int offset) {
  emit(program, BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0,
       map);
  emit(program, 0, 0, 0, 0, 0);
  copy(program, BPF_REG_2, BPF_REG_10);
  emit(program, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, offset);
  emit(program, BPF_JMP | BPF_CALL, 0, 0, 0, function);
}

void resolve(struct program *program) {
  for (int i = 0; i < program->length; i++)
    if (program->jumps[i] != NO_LABEL)
      program->instructions[i].off =
          program->targets[program->jumps[i]] - i - 1;
}
