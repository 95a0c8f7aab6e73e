// Messages go to the kernel's log. The kernel runs quiet: only errors reach the console,
// whose tail the shim shows when the VM has died.
#ifndef LOG_H
#define LOG_H

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
// For what leaves no way on, want of memory above all: the panic of a kernel without PID 1 ends the VM.
_Noreturn void fatal(const char *what);

#endif
