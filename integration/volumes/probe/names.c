// What names do: links, renames, removals, directories, special files, and news
// of them.
#include "probe.h"

void names(void) {
  make("one", 0644, "1");
  make("two", 0644, "2");
  say("rename over", rename("one", "two"));
  say_content("what it holds", "two");
  say("rename to itself", rename("two", "two"));
  make("three", 0644, "3");
  say("rename without replacing", renameat2(AT_FDCWD, "three", AT_FDCWD, "two", RENAME_NOREPLACE));
  say("exchange", renameat2(AT_FDCWD, "three", AT_FDCWD, "two", RENAME_EXCHANGE));
  say_content("after the exchange", "two");
  mkdir("full", 0755);
  mkdir("full/sub", 0755);
  make("full/sub/file", 0644, "deep");
  say("rename a directory", rename("full", "moved"));
  say_content("what is below it", "moved/sub/file");
  say("rename below itself", rename("moved", "moved/sub/x"));
  mkdir("empty", 0755);
  say("rename over a directory that is not empty", rename("empty", "moved"));
  say("remove a directory that is not empty", rmdir("moved"));
  say("hard link", link("two", "linked"));
  say_mode("both names", "two");
  say("link a directory", link("moved", "linked-directory"));
  say("symbolic link", symlink("two", "symbolic"));
  say_mode("of its own", "symbolic");
  char target[PATH_MAX];
  ssize_t length = readlink("symbolic", target, sizeof target);
  printf("where it leads: %.*s\n", (int)length, target);
  symlink("loop", "loop");
  say("a loop", open("loop", O_RDONLY));
  char name[258] = {0};
  say("a name that is no UTF-8", make("\xff\xfe caf\xe9\n", 0644, ""));
  say("255 bytes", make(memset(name, 'n', 255), 0644, ""));
  name[255] = 'n';
  say("256 bytes", make(name, 0644, ""));
  say("what is not there", open("nothing", O_RDONLY));
  say("a file as a directory", open("two/x", O_RDONLY));
  say("a new file that exists", open("two", O_CREAT | O_EXCL | O_RDWR, 0644));
}

void unlinked(void) {
  int fd = open("gone", O_CREAT | O_RDWR, 0644);
  say("unlink an open file", unlink("gone"));
  say("write to it", pwrite(fd, "still", 5, 0));
  say("truncate it", ftruncate(fd, 3));
  say("change its mode", fchmod(fd, 0600));
  struct stat st;
  char text[9] = "";
  fstat(fd, &st);
  pread(fd, text, 8, 0);
  printf("it holds: %s, size %ld, links %lu\n", text, (long)st.st_size, (unsigned long)st.st_nlink);
  close(fd);
  fd = open(".", O_TMPFILE | O_RDWR, 0640);
  say("a file without a name", fd);
  if (fd < 0)
    return;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  write(fd, "tmp", 3);
  say("a name for it", linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  say_mode("as it was made", "named");
}

void times(void) {
  const struct timespec when[2] = {{1000000001, 123456789}, {-5, 1}};
  struct stat st;
  make("timed", 0644, "x");
  utimensat(AT_FDCWD, "timed", when, 0);
  stat("timed", &st);
  printf("times: %ld.%09ld %ld.%09ld\n", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec,
         st.st_mtim.tv_nsec);
  utimensat(AT_FDCWD, ".", when, 0);
  make("later", 0644, "");
  stat(".", &st);
  say_number("a new file changes its directory's time", st.st_mtim.tv_sec > 1000000001);
  struct timespec before = st.st_ctim;
  chmod("timed", 0600);
  stat("timed", &st);
  say_number("a change of mode changes ctime", st.st_ctim.tv_sec >= before.tv_sec);
  struct statx stx;
  say_number("birth time",
             statx(AT_FDCWD, "timed", 0, STATX_BTIME, &stx) == 0 && (stx.stx_mask & STATX_BTIME));
  struct statvfs fs;
  statvfs(".", &fs);
  say_number("longest name", fs.f_namemax);
  say_number("blocks", fs.f_blocks > 0);
  say("O_NOATIME", open("timed", O_RDONLY | O_NOATIME));
}

void special(void) {
  say("a fifo", mkfifo("fifo", 0622));
  say_mode("its mode", "fifo");
  if (fork() == 0)
    _exit(write(open("fifo", O_WRONLY), "through", 8) != 8);
  char text[20] = "";
  read(open("fifo", O_RDONLY), text, 19);
  wait(NULL);
  printf("through the fifo: %s\n", text);
  say("a device", mknod("null", S_IFCHR | 0666, makedev(1, 3)));
  struct stat st;
  stat("null", &st);
  printf("its number: %u:%u\n", major(st.st_rdev), minor(st.st_rdev));
  int fd = open("null", O_RDWR);
  say("it opens", fd);
  say("it takes", write(fd, "x", 1));
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
  int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  say("a socket", bind(listener, (struct sockaddr *)&address, sizeof address));
  listen(listener, 1);
  say("connect to it", connect(client, (struct sockaddr *)&address, sizeof address));
  close(listener);
  close(client);
  client = socket(AF_UNIX, SOCK_STREAM, 0);
  say("when nobody listens", connect(client, (struct sockaddr *)&address, sizeof address));
}

void notifications(void) {
  static const struct {
    uint32_t bit;
    const char *name;
  } events[] = {{IN_CREATE, "create"}, {IN_MODIFY, "modify"},   {IN_CLOSE_WRITE, "close"},
                {IN_ATTRIB, "attrib"}, {IN_MOVED_FROM, "from"}, {IN_MOVED_TO, "to"},
                {IN_DELETE, "delete"}, {IN_OPEN, "open"}};
  mkdir("watched", 0755);
  int fd = inotify_init1(IN_NONBLOCK);
  inotify_add_watch(fd, "watched",
                    IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVE | IN_DELETE | IN_OPEN);
  make("watched/a", 0644, "x");
  chmod("watched/a", 0600);
  rename("watched/a", "watched/b");
  unlink("watched/b");
  char buffer[4096] __attribute__((aligned(8)));
  ssize_t length = read(fd, buffer, sizeof buffer);
  printf("notifications:");
  for (char *at = buffer; at < buffer + length;) {
    const struct inotify_event *event = (const struct inotify_event *)at;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
      if (event->mask & events[i].bit)
        printf(" %s(%s)", events[i].name, event->name);
    at += sizeof *event + event->len;
  }
  printf("\n");
}

void directories(void) {
  char name[40];
  mkdir("many", 0755);
  for (int i = 0; i < 1000; i++) {
    snprintf(name, sizeof name, "many/%d", i);
    make(name, 0644, "");
  }
  DIR *directory = opendir("many");
  long count = 0, sum = 0;
  for (struct dirent *entry; (entry = readdir(directory));) {
    if (entry->d_name[0] == '.')
      continue;
    count++;
    sum += atol(entry->d_name) + (entry->d_type == DT_REG);
    // Removed while it is read, as rm -r does.
    snprintf(name, sizeof name, "many/%s", entry->d_name);
    unlink(name);
  }
  printf("a directory that is emptied while it is read: %ld, %ld\n", count, sum);
  say("and removed", rmdir("many"));
}

void programs(const char *self) {
  fflush(stdout);
  int in = open(self, O_RDONLY), out = open("program", O_CREAT | O_WRONLY, 0755);
  struct stat st;
  fstat(in, &st);
  sendfile(out, in, NULL, st.st_size);
  if (fork() == 0) {
    execl("program", "program", "--who", NULL);
    say("execute what is open for writing", -1);
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  close(out);
  chmod("program", 04755);
  if (fork() == 0) {
    if (setgid(OTHER) == 0 && setuid(OTHER) == 0)
      execl("program", "program", "--who", NULL);
    _exit(1);
  }
  wait(NULL);
  say("write to what runs", open("program", O_WRONLY));
}

// Without asking what each one is, as ls and find do.
int list(const char *path) {
  DIR *directory = opendir(path);
  if (!directory)
    return 1;
  errno = 0;
  for (struct dirent *entry; (entry = readdir(directory));)
    if (entry->d_name[0] != '.')
      puts(entry->d_name);
  return errno != 0;
}
