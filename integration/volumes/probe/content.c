// What is in a file: written, mapped, shared, copied, locked.
#include "probe.h"

struct flock whole(short type) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

void locks(void) {
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

void mappings(void) {
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

void space(void) {
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

void direct(void) {
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

void append(void) {
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

void copies(void) {
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
