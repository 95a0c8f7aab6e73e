// Who may do what with a file, and what it is marked with.
#include "probe.h"

void modes(void) {
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

void permissions(void) {
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

void attributes(void) {
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
#define ACL_ENTRY(tag, perm, id) tag, 0, perm, 0, (id)&255, (id) >> 8 & 255, (id) >> 16 & 255, (id) >> 24
#define ACL_NOBODY 0xffffffffU

static void other_with_acl(void) {
  say("an ACL lets another user read", open("listed", O_RDONLY));
  say("but not write", open("listed", O_WRONLY));
  say("and one more not", open("listed2", O_RDONLY));
}

void acls(void) {
  const uint8_t reads[] = {ACL_HEADER,
                           ACL_ENTRY(1, 6, ACL_NOBODY),
                           ACL_ENTRY(2, 4, OTHER),
                           ACL_ENTRY(4, 0, ACL_NOBODY),
                           ACL_ENTRY(16, 4, ACL_NOBODY),
                           ACL_ENTRY(32, 0, ACL_NOBODY)};
  const uint8_t inherits[] = {ACL_HEADER,
                              ACL_ENTRY(1, 7, ACL_NOBODY),
                              ACL_ENTRY(2, 7, OTHER),
                              ACL_ENTRY(4, 5, ACL_NOBODY),
                              ACL_ENTRY(16, 7, ACL_NOBODY),
                              ACL_ENTRY(32, 0, ACL_NOBODY)};
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
