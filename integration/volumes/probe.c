// What a program may expect of a file system: one line for each expectation, the same on every file system that
// meets it. Runs in a container.
// usage: probe DIRECTORY           an empty one, for all of that
//        probe --lock FILE         says whether a lock can be had
//        probe --serve SOCKET      greets whoever connects first
//        probe --ask SOCKET        prints the greeting
//        probe --watch DIRECTORY   prints the names of files that appear there, until one is called "end"
//        probe --who               whom it runs as
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define OTHER 1000

static void say(const char *name, long result) {
  printf("%s: %s\n", name, result < 0 ? strerrorname_np(errno) : "ok");
}

static void say_number(const char *name, long long number) {
  printf("%s: %lld\n", name, number);
}

static void say_mode(const char *name, const char *path) {
  struct stat st;
  if (lstat(path, &st) < 0)
    return say(name, -1);
  printf("%s: %06o %u:%u links %lu\n", name, st.st_mode, st.st_uid, st.st_gid, (unsigned long)st.st_nlink);
}

static long make(const char *path, mode_t mode, const char *content) {
  int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, mode);
  long written = fd < 0 ? -1 : write(fd, content, strlen(content));
  close(fd);
  return written;
}

static void say_content(const char *name, const char *path) {
  char text[200] = "";
  int fd = open(path, O_RDONLY);
  if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
    say(name, -1);
  else
    printf("%s: \"%s\"\n", name, text);
  close(fd);
}

// Runs the function as another user with the extra group; what it says appears in order.
static void as_other(void (*function)(void), gid_t extra) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    if (setgroups(1, &extra) < 0 || setgid(OTHER) < 0 || setuid(OTHER) < 0)
      say("become another user", -1);
    function();
    fflush(stdout);
    _exit(0);
  }
  int status;
  waitpid(pid, &status, 0);
  if (status)
    say_number("a child ended badly", status);
}

static void modes(void) {
  make("plain", 0640, "x");
  say_mode("a new file", "plain");
  mkdir("directory", 0755);
  say_mode("a new directory", "directory");
  chmod("plain", 06755);
  say_mode("set-user-ID and set-group-ID", "plain");
  chmod("directory", 03777);
  say_mode("sticky and set-group-ID", "directory");
  say("chown", chown("plain", 12345, 54321));
  say_mode("chown clears set-ID bits", "plain");
  chown("directory", 7, 8);
  make("directory/inherits", 0600, "");
  say_mode("the group of a set-group-ID directory", "directory/inherits");
  mkdir("directory/below", 0755);
  say_mode("a directory below it", "directory/below");
  umask(027);
  make("masked", 0666, "");
  umask(0);
  say_mode("umask", "masked");
  chmod("plain", 0);
  say("root may read mode 0", open("plain", O_RDONLY));
}

static void other_writes(void) {
  int fd = open("suid", O_WRONLY | O_APPEND);
  say("another user writes", write(fd, "y", 1));
  say("another user truncates", truncate("suid2", 0));
  say("another user chowns", chown("suid", OTHER, OTHER));
  say("another user reads mode 0600", open("secret", O_RDONLY));
  say("a supplementary group reads mode 0640", open("grouped", O_RDONLY));
  say("another user unlinks in a sticky directory", unlink("sticky/file"));
  say("another user creates in mode 0755", open("closed/new", O_CREAT | O_WRONLY, 0600));
  say("another user creates in mode 1777", open("sticky/new", O_CREAT | O_WRONLY, 0644));
  say_mode("its owner", "sticky/new");
  say("another user makes a device", mknod("sticky/null", S_IFCHR | 0666, makedev(1, 3)));
  say("another user links root's file", link("secret", "sticky/hard"));
}

static void permissions(void) {
  make("suid", 06777, "x");
  make("suid2", 06777, "x");
  make("secret", 0600, "x");
  make("grouped", 0640, "x");
  chown("grouped", 0, 4242);
  mkdir("closed", 0755);
  mkdir("sticky", 01777);
  make("sticky/file", 0666, "x");
  as_other(other_writes, 4242);
  say_mode("a write clears set-ID bits", "suid");
  say_mode("a truncation clears set-ID bits", "suid2");
}

static void names(void) {
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

static void unlinked(void) {
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

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_attributes(const char *path) {
  char list[1000], *all[32];
  ssize_t length = listxattr(path, list, sizeof list);
  size_t count = 0;
  for (char *at = list; length > 0 && at < list + length && count < 32; at += strlen(at) + 1)
    all[count++] = at;
  qsort(all, count, sizeof *all, by_name);
  printf("attributes of %s:", path);
  for (size_t i = 0; i < count; i++)
    printf(" %s", all[i]);
  printf("\n");
}

static void attributes(void) {
  // As the kernel has it on disk: version 2, cap_net_bind_service permitted.
  const uint8_t capability[20] = {1, 0, 0, 2, 0, 4};
  char value[100];
  make("attributed", 0644, "x");
  say("user attribute", setxattr("attributed", "user.one", "1", 1, 0));
  say("create it again", setxattr("attributed", "user.one", "1", 1, XATTR_CREATE));
  say("replace what is not there", setxattr("attributed", "user.two", "1", 1, XATTR_REPLACE));
  memset(value, 'v', sizeof value);
  setxattr("attributed", "user.binary", value, sizeof value, 0);
  say("file capabilities", setxattr("attributed", "security.capability", capability, sizeof capability, 0));
  say_number("their size", getxattr("attributed", "security.capability", value, sizeof value));
  say("trusted attribute without CAP_SYS_ADMIN", setxattr("attributed", "trusted.one", "1", 1, 0));
  list_attributes("attributed");
  say_number("size of a value", getxattr("attributed", "user.binary", NULL, 0));
  say("too small a buffer", getxattr("attributed", "user.binary", value, 3));
  say("remove", removexattr("attributed", "user.one"));
  say("what is not there", getxattr("attributed", "user.one", value, sizeof value));
  int fd = open("attributed", O_WRONLY | O_APPEND);
  write(fd, "y", 1);
  say("a write removes capabilities", getxattr("attributed", "security.capability", value, sizeof value));
  symlink("attributed", "attributed-link");
  say("user attribute of a symbolic link", lsetxattr("attributed-link", "user.one", "1", 1, 0));
  mkdir("attributed-directory", 0755);
  say("of a directory", setxattr("attributed-directory", "user.one", "1", 1, 0));
}

#define ACL_HEADER 2, 0, 0, 0
#define ACL_ENTRY(tag, perm, id) tag, 0, perm, 0, (id) & 255, (id) >> 8 & 255, (id) >> 16 & 255, (id) >> 24
#define ACL_NOBODY 0xffffffffU

static void other_with_acl(void) {
  say("an ACL lets another user read", open("listed", O_RDONLY));
  say("but not write", open("listed", O_WRONLY));
  say("and one more not", open("listed2", O_RDONLY));
}

static void acls(void) {
  const uint8_t reads[] = {ACL_HEADER, ACL_ENTRY(1, 6, ACL_NOBODY), ACL_ENTRY(2, 4, OTHER), ACL_ENTRY(4, 0, ACL_NOBODY),
                           ACL_ENTRY(16, 4, ACL_NOBODY), ACL_ENTRY(32, 0, ACL_NOBODY)};
  const uint8_t inherits[] = {ACL_HEADER, ACL_ENTRY(1, 7, ACL_NOBODY), ACL_ENTRY(2, 7, OTHER), ACL_ENTRY(4, 5, ACL_NOBODY),
                              ACL_ENTRY(16, 7, ACL_NOBODY), ACL_ENTRY(32, 0, ACL_NOBODY)};
  make("listed", 0600, "x");
  make("listed2", 0600, "x");
  say("an ACL", setxattr("listed", "system.posix_acl_access", reads, sizeof reads, 0));
  say_mode("the mode shows its mask", "listed");
  mkdir("acl-directory", 0755);
  say("a default ACL", setxattr("acl-directory", "system.posix_acl_default", inherits, sizeof inherits, 0));
  umask(077);
  make("acl-directory/file", 0666, "x");
  mkdir("acl-directory/sub", 0777);
  umask(0);
  say_mode("a default ACL replaces the umask", "acl-directory/file");
  say_mode("for a directory, too", "acl-directory/sub");
  list_attributes("acl-directory/file");
  list_attributes("acl-directory/sub");
  as_other(other_with_acl, OTHER);
}

static struct flock whole(short type) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static void locks(void) {
  struct flock exclusive = whole(F_WRLCK), unlock = whole(F_UNLCK), ours;
  make("locked", 0666, "0123456789");
  int first = open("locked", O_RDWR), second = open("locked", O_RDWR);
  say("flock", flock(first, LOCK_EX | LOCK_NB));
  say("flock by another description", flock(second, LOCK_EX | LOCK_NB));
  flock(first, LOCK_SH);
  say("shared with shared", flock(second, LOCK_SH | LOCK_NB));
  flock(first, LOCK_UN);
  flock(second, LOCK_UN);
  say("description lock", fcntl(first, F_OFD_SETLK, &exclusive));
  ours = exclusive;
  say("by another description", fcntl(second, F_OFD_SETLK, &ours));
  fcntl(first, F_OFD_SETLK, &unlock);
  say("process lock", fcntl(first, F_SETLK, &exclusive));
  fflush(stdout);
  int ready[2];
  pipe(ready);
  if (fork() == 0) {
    ours = exclusive;
    say("by another process", fcntl(second, F_SETLK, &ours));
    ours = exclusive;
    fcntl(second, F_GETLK, &ours);
    say_number("who has it is told", ours.l_pid == getppid());
    fflush(stdout);
    write(ready[1], "", 1);
    ours = exclusive;
    say("it waits until the lock is free", fcntl(second, F_SETLKW, &ours));
    fflush(stdout);
    _exit(0);
  }
  char byte;
  read(ready[0], &byte, 1);
  fcntl(first, F_SETLK, &unlock);
  wait(NULL);
}

static void mappings(void) {
  int fd = open("mapped", O_CREAT | O_RDWR, 0644);
  ftruncate(fd, 8192);
  char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  say("a shared mapping", map == MAP_FAILED ? -1 : 0);
  if (map == MAP_FAILED)
    return;
  if (fork() == 0) {
    int again = open("mapped", O_RDWR);
    char *theirs = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
    strcpy(theirs, "from a child");
    _exit(0);
  }
  wait(NULL);
  printf("memory that two processes share: %s\n", map);
  strcpy(map + 4096, "by memory");
  char text[20] = "";
  pread(fd, text, 19, 4096);
  printf("a read sees what was written to memory: %s\n", text);
  pwrite(fd, "by a write", 10, 4096);
  printf("memory shows what was written to the file: %.10s\n", map + 4096);
  say("msync", msync(map, 8192, MS_SYNC));
  char *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  strcpy(private, "private");
  printf("a private change stays private: %s\n", map);
  munmap(map, 8192);
  close(fd);
  say_content("on the file system", "mapped");
}

static void space(void) {
  struct stat st;
  int fd = open("sparse", O_CREAT | O_RDWR, 0644);
  say("a file of 8 GiB", ftruncate(fd, 8LL << 30));
  pwrite(fd, "data", 4, 4LL << 30);
  say_number("data begins at", lseek(fd, 0, SEEK_DATA));
  say_number("and ends at", lseek(fd, 4LL << 30, SEEK_HOLE));
  fstat(fd, &st);
  say_number("it takes less than 64 KiB", st.st_blocks * 512 < 65536);
  say("fallocate", fallocate(fd, 0, 0, 1 << 20));
  fstat(fd, &st);
  say_number("it takes 1 MiB", st.st_blocks * 512 >= 1 << 20);
  say("punch a hole", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 20));
  fstat(fd, &st);
  say_number("less again", st.st_blocks * 512 < 65536);
  say("keep the size", fallocate(fd, FALLOC_FL_KEEP_SIZE, 8LL << 30, 4096));
  fstat(fd, &st);
  say_number("size", st.st_size);
  close(fd);
  unlink("sparse");
}

static void direct(void) {
  char *block;
  posix_memalign((void **)&block, 4096, 65536);
  memset(block, 'd', 65536);
  int fd = open("direct", O_CREAT | O_RDWR | O_DIRECT, 0644);
  say("O_DIRECT", fd);
  say_number("write 64 KiB", pwrite(fd, block, 65536, 0));
  say_number("read them", pread(fd, block, 65536, 0));
  say("a buffer that is not aligned", pread(fd, block + 1, 4096, 0));
  say("a length that is not aligned", pwrite(fd, block, 100, 0));
  say("O_SYNC", open("direct", O_RDWR | O_SYNC));
  say("fsync", fsync(fd));
  say("fdatasync", fdatasync(fd));
  say("syncfs", syncfs(fd));
  int directory = open(".", O_RDONLY | O_DIRECTORY);
  say("fsync of a directory", fsync(directory));
}

static void append(void) {
  char line[100];
  for (int writer = 0; writer < 3; writer++) {
    if (fork() == 0) {
      int fd = open("appended", O_CREAT | O_WRONLY | O_APPEND, 0644);
      int length = sprintf(line, "line of writer %d ............\n", writer);
      for (int i = 0; i < 200; i++)
        write(fd, line, length);
      _exit(0);
    }
  }
  while (wait(NULL) > 0)
    ;
  struct stat st;
  stat("appended", &st);
  say_number("three append at once", st.st_size);
}

static void copies(void) {
  make("source", 0644, "to be copied");
  int in = open("source", O_RDONLY), out = open("copy", O_CREAT | O_RDWR, 0644);
  loff_t from = 0;
  say_number("copy_file_range", copy_file_range(in, &from, out, NULL, 12, 0));
  say_content("the copy", "copy");
  off_t offset = 6;
  say_number("sendfile", sendfile(out, in, &offset, 6));
  say_content("the copy", "copy");
  int ends[2];
  pipe(ends);
  from = 0;
  say_number("splice", splice(in, &from, ends[1], NULL, 12, 0));
}

static void times(void) {
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
  say_number("birth time", statx(AT_FDCWD, "timed", 0, STATX_BTIME, &stx) == 0 && (stx.stx_mask & STATX_BTIME));
  struct statvfs fs;
  statvfs(".", &fs);
  say_number("longest name", fs.f_namemax);
  say_number("blocks", fs.f_blocks > 0);
  say("O_NOATIME", open("timed", O_RDONLY | O_NOATIME));
}

static void special(void) {
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

static void notifications(void) {
  static const struct {
    uint32_t bit;
    const char *name;
  } events[] = {{IN_CREATE, "create"}, {IN_MODIFY, "modify"},    {IN_CLOSE_WRITE, "close"},
                {IN_ATTRIB, "attrib"}, {IN_MOVED_FROM, "from"},  {IN_MOVED_TO, "to"},
                {IN_DELETE, "delete"}, {IN_OPEN, "open"}};
  mkdir("watched", 0755);
  int fd = inotify_init1(IN_NONBLOCK);
  inotify_add_watch(fd, "watched", IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVE | IN_DELETE | IN_OPEN);
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

static void directories(void) {
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

static void programs(const char *self) {
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

static int try_lock(const char *path) {
  int fd = open(path, O_RDWR);
  bool got = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
  return puts(got ? "the lock is free" : "the lock is taken") < 0;
}

static int watch(const char *path) {
  char buffer[4096] __attribute__((aligned(8)));
  int fd = inotify_init1(0);
  if (inotify_add_watch(fd, path, IN_CREATE) < 0)
    return 1;
  puts("watching");
  fflush(stdout);
  for (ssize_t length; (length = read(fd, buffer, sizeof buffer)) > 0;) {
    for (char *at = buffer; at < buffer + length;) {
      const struct inotify_event *event = (const struct inotify_event *)at;
      puts(event->name);
      if (strcmp(event->name, "end") == 0)
        return 0;
      at += sizeof *event + event->len;
    }
  }
  return 1;
}

static int serve(int fd, const struct sockaddr_un *address) {
  if (bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 || listen(fd, 1) < 0)
    return 1;
  puts("listening");
  fflush(stdout);
  return write(accept(fd, NULL, NULL), "hello", 5) != 5;
}

static int ask(int fd, const struct sockaddr_un *address) {
  char text[20] = "";
  if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0)
    return puts(strerrorname_np(errno)) < 0;
  return read(fd, text, sizeof text - 1) < 0 || puts(text) < 0;
}

static int talk(const char *how, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  return strcmp(how, "--serve") == 0 ? serve(fd, &address) : ask(fd, &address);
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--who") == 0)
    return printf("a set-user-ID program runs as %u:%u\n", geteuid(), getegid()) < 0;
  if (argc == 3 && strcmp(argv[1], "--lock") == 0)
    return try_lock(argv[2]);
  if (argc == 3 && strcmp(argv[1], "--watch") == 0)
    return watch(argv[2]);
  if (argc == 3)
    return talk(argv[1], argv[2]);
  if (argc != 2 || chdir(argv[1]) < 0)
    return 1;
  umask(0);
  char self[PATH_MAX] = "";
  readlink("/proc/self/exe", self, sizeof self - 1);
  modes();
  permissions();
  names();
  unlinked();
  attributes();
  acls();
  locks();
  mappings();
  space();
  direct();
  append();
  copies();
  times();
  special();
  notifications();
  directories();
  programs(self);
  return 0;
}
