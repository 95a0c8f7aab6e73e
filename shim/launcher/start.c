#include "launcher.h"
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int oom_score(pid_t pid) {
  char path[64];
  int score = 0;
  snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
  FILE *file = fopen(path, "re");
  if (!file || fscanf(file, "%d", &score) != 1)
    score = 0;
  if (file)
    fclose(file);
  return score;
}

static int died(pid_t daemon) {
  int how = 0;
  kill(daemon, SIGKILL);
  waitpid(daemon, &how, 0);
  fprintf(stderr, "microvm-shim ended with %s %d before it was ready\n",
          WIFSIGNALED(how) ? "signal" : "exit status",
          WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
  return 1;
}

// Directories, each ended by a zero byte.
static void share(int channel, const char *directory, const char *end) {
  char text[PATH_MAX + 256] = "";
  for (; directory < end && !*text; directory += strlen(directory) + 1)
    if (mount(directory, directory, NULL, MS_BIND, NULL) < 0 ||
        mount(NULL, directory, NULL, MS_SHARED, NULL) < 0)
      snprintf(text, sizeof text, "cannot share %.*s: %s", PATH_MAX, directory,
               strerror(errno));
  send(channel, text, strlen(text) + 1, MSG_NOSIGNAL);
}

static int attend(int channel, pid_t daemon) {
  static char message[64 * 1024];
  for (;;) {
    ssize_t length = recv(channel, message, sizeof message - 1, 0);
    if (length <= 0)
      return died(daemon);
    message[length] = 0;
    if (message[0] == SHARE) {
      share(channel, message + 1, message + length);
      continue;
    }
    int fd = message[0] == OUTPUT ? STDOUT_FILENO : STDERR_FILENO;
    return write(fd, message + 1, length - 1) != length - 1 ||
           message[0] != OUTPUT;
  }
}

int start(const char *shim, int argc, char **argv) {
  int channel[2];
  int containerd = oom_score(getppid());
  if (unshare(CLONE_NEWNS) < 0)
    return fail("cannot make a mount namespace");
  if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
    return fail("cannot keep mounts from the host");
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
    return fail("socketpair");
  pid_t daemon = fork();
  if (daemon < 0)
    return fail("fork");
  if (daemon == 0)
    become_daemon(shim, argc, argv, channel[1], containerd);
  close(channel[1]);
  return attend(channel[0], daemon);
}
