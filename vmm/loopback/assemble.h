// Puts a program for the kernel's BPF machine together.
#ifndef ASSEMBLE_H
#define ASSEMBLE_H

#include <linux/bpf.h>
#include <stdint.h>

#define LENGTH_MAX 96
#define LABELS_MAX 8

// 0 is none.
#define NO_LABEL 0

// A program under construction, zero at its beginning. A jump names its target
// by a label until `resolve` puts the distance there.
struct program {
  struct bpf_insn instructions[LENGTH_MAX];
  int jumps[LENGTH_MAX];
  int targets[LABELS_MAX];
  int length;
};

void emit(struct program *program, uint8_t code, int destination, int source,
          int offset, int immediate);
// Here is where jumps to the label go.
void place(struct program *program, int label);
// Jumps if the register has that relation to the number.
void jump(struct program *program, uint8_t operation, int reg, int immediate,
          int label);
// The same with another register.
void jump_compared(struct program *program, uint8_t operation, int reg,
                   int other, int label);
void set(struct program *program, int reg, int value);
void copy(struct program *program, int to, int from);
// 32 bits.
void load(struct program *program, int reg, int base, int offset);
// 32 bits, on the stack.
void store(struct program *program, int offset, int reg);
// Calls a function with a map and a key, which lies on the stack.
void call_map(struct program *program, int function, int map, int offset);
void resolve(struct program *program);

#endif
