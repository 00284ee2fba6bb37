// SPDX-License-Identifier: Apache-2.0
// Preloaded into a server or a worker under test (LD_PRELOAD): ends the process inside a named phase, lets
// the n-th call fail, or makes every sync a lie. Built by tests/durability/machine.py; the product knows
// nothing of it.
//
// RESTANTE_FAULTS holds commands, separated by ';':
//   log=PATH                        a line for what was done and when (CLOCK_MONOTONIC), on another file
//   system than the tested one kill=PHASE:N                    SIGKILL at the N-th point of
//   accepting|transferring|syncing|renaming|committing fail=CALL:PLACE:N:WHAT[:on]     the N-th
//   write|sync|rename|open|cut at store|incoming|area|any answers
//                                   EIO|ENOSPC|EINTR|short; with `on`, every later one too
//   nosync                          every sync says yes and does nothing
//   late                            what is written to the store's log comes to the disk 300 ms after the
//   server was told so flip                            every fourth partial file gets one wrong bit when it
//   is synced
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum phase { accepting, transferring, syncing, renaming, committing, phases };
static const char* const phase_names[phases] = {"accepting", "transferring", "syncing", "renaming",
                                                "committing"};
enum place { elsewhere, store, incoming, area, socket_of_server, socket_of_worker };
static const char* const place_names[] = {"elsewhere", "store", "incoming", "area", "socket", "socket"};

static int log_fd = -1, no_sync, late, flip, kill_phase = -1, kill_at;
static atomic_int reached[phases], submissions, to_commit, calls, failing, partials_synced;
static struct {
  char call[16], place[16];
  int at, error, is_short, on;
} plan;

static long raw(long number, long a, long b, long c, long d) {
  static long (*real)(long, ...);
  if (!real) real = dlsym(RTLD_NEXT, "syscall");
  return real(number, a, b, c, d, 0L, 0L);
}

static void note(const char* what, const char* where, int number) {
  char line[256];
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int length =
      snprintf(line, sizeof line, "%s %s %d %ld.%09ld\n", what, where, number, (long)now.tv_sec, now.tv_nsec);
  if (log_fd >= 0) raw(SYS_write, log_fd, (long)line, length, 0);
}

__attribute__((constructor)) static void begin(void) {
  const char* given = getenv("RESTANTE_FAULTS");
  if (!given) return;
  char all[1024];
  snprintf(all, sizeof all, "%s", given);
  for (char *rest = all, *one; (one = strsep(&rest, ";"));) {
    char name[32], what[16], on[8] = "";
    if (!strncmp(one, "log=", 4))
      log_fd = (int)raw(SYS_open, (long)(one + 4), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644, 0);
    if (!strcmp(one, "nosync")) no_sync = 1;
    if (!strcmp(one, "late")) late = 1;
    if (!strcmp(one, "flip")) flip = 1;
    if (sscanf(one, "kill=%31[a-z]:%d", name, &kill_at) == 2)
      for (int i = 0; i < phases; ++i)
        if (!strcmp(name, phase_names[i])) kill_phase = i;
    if (sscanf(one, "fail=%15[a-z]:%15[a-z]:%d:%15[A-Za-z]:%7s", plan.call, plan.place, &plan.at, what, on) >=
        4) {
      plan.error = !strcmp(what, "EIO")      ? EIO
                   : !strcmp(what, "ENOSPC") ? ENOSPC
                   : !strcmp(what, "EINTR")  ? EINTR
                                             : 0;
      plan.is_short = !strcmp(what, "short");
      plan.on = !strcmp(on, "on");
    }
  }
}

static enum place place_of(const char* path) {
  if (strstr(path, "/restante.db")) return store;
  if (strstr(path, "/incoming/") || strstr(path, "/incoming")) return incoming;
  if (strstr(path, "/areas/")) return area;
  return elsewhere;
}

static enum place place_of_fd(int fd) {
  int before = errno;
  char link[64], path[512];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long size = raw(SYS_readlinkat, AT_FDCWD, (long)link, (long)path, sizeof path - 1);
  errno = before;
  if (size <= 0) return incoming;  // a worker may not look: the only file that it has is a partial one
  path[size] = '\0';
  return place_of(path);
}

/// The process ends here if this is the point that was asked for.
static void point(enum phase phase) {
  if ((int)phase != kill_phase) return;
  int number = atomic_fetch_add(&reached[phase], 1) + 1;
  if (number != kill_at) return;
  note("kill", phase_names[phase], number);
  raw(SYS_kill, raw(SYS_getpid, 0, 0, 0, 0), SIGKILL, 0, 0);
}

/// Nonzero: this call is the one that fails; errno is set, or `*short_to` halved.
static int fails(const char* call, enum place where, size_t* short_to) {
  if (!plan.at || strcmp(call, plan.call) || where == elsewhere) return 0;
  if (strcmp(plan.place, "any") && strcmp(plan.place, place_names[where])) return 0;
  int number = atomic_fetch_add(&calls, 1) + 1;
  if (number != plan.at && !(plan.on && number > plan.at)) return 0;
  if (!atomic_exchange(&failing, 1)) note("fail", place_names[where], number);
  if (plan.is_short && short_to) {
    *short_to = (*short_to + 1) / 2;
    return 0;
  }
  errno = plan.error ? plan.error : EIO;
  return 1;
}

static void before_store_changes(void) {
  if (atomic_load(&submissions) > 0) point(accepting);
  if (atomic_load(&to_commit) > 0) point(committing);
}

#define REAL(name)               \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// What `late` holds back: writes to the log, oldest first. Reads of the log see them already.
struct held {
  struct held* next;
  struct timespec due;
  int fd;
  off64_t at;
  size_t size;
  char data[];
};
static struct held *oldest, **newest = &oldest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int writing;

static int is_log(int fd) {
  char link[64], path[512];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long size = raw(SYS_readlinkat, AT_FDCWD, (long)link, (long)path, sizeof path);
  return size > 4 && !memcmp(path + size - 4, "-wal", 4);
}

static void write_held(struct timespec until) {
  while (oldest && (oldest->due.tv_sec < until.tv_sec ||
                    (oldest->due.tv_sec == until.tv_sec && oldest->due.tv_nsec <= until.tv_nsec))) {
    struct held* one = oldest;
    raw(SYS_pwrite64, one->fd, (long)one->data, (long)one->size, one->at);
    oldest = one->next;
    if (!oldest) newest = &oldest;
    free(one);
  }
}

static void* write_late(void* none) {
  for (;;) {
    struct timespec now, pause = {0, 5000000};
    nanosleep(&pause, NULL);
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&lock);
    write_held(now);
    pthread_mutex_unlock(&lock);
  }
  return none;
}

static void hold(int fd, const void* data, size_t size, off64_t at) {
  struct held* one = malloc(sizeof *one + size);
  one->next = NULL, one->fd = fd, one->at = at, one->size = size;
  memcpy(one->data, data, size);
  clock_gettime(CLOCK_MONOTONIC, &one->due);
  one->due.tv_nsec += 300000000;
  if (one->due.tv_nsec >= 1000000000) one->due.tv_sec++, one->due.tv_nsec -= 1000000000;
  pthread_mutex_lock(&lock);
  *newest = one;
  newest = &one->next;
  pthread_t thread;
  if (!writing++) pthread_create(&thread, NULL, write_late, NULL);
  pthread_mutex_unlock(&lock);
}

static void write_all_held(void) {
  struct timespec never = {1L << 60, 0};
  pthread_mutex_lock(&lock);
  write_held(never);
  pthread_mutex_unlock(&lock);
}

ssize_t pread64(int fd, void* data, size_t size, off64_t at) {
  REAL(pread64);
  if (!late || !is_log(fd)) return real(fd, data, size, at);
  pthread_mutex_lock(&lock);
  ssize_t got = real(fd, data, size, at);
  for (struct held* one = oldest; one; one = one->next) {
    off64_t from = one->at > at ? one->at : at;
    off64_t to =
        one->at + (off64_t)one->size < at + (off64_t)size ? one->at + (off64_t)one->size : at + (off64_t)size;
    if (from >= to) continue;
    memcpy((char*)data + (from - at), one->data + (from - one->at), (size_t)(to - from));
    if (to - at > got) got = to - at;
  }
  pthread_mutex_unlock(&lock);
  return got;
}

static size_t before_write(int fd, size_t size, int* failed) {
  enum place where = place_of_fd(fd);
  if (where == store) before_store_changes();
  *failed = fails("write", where, &size);
  return size;
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  REAL(pwrite64);
  int failed;
  size = before_write(fd, size, &failed);
  if (!failed && late && is_log(fd)) {
    hold(fd, data, size, at);
    return (ssize_t)size;
  }
  return failed ? -1 : real(fd, data, size, at);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  REAL(pwrite);
  int failed;
  size = before_write(fd, size, &failed);
  return failed ? -1 : real(fd, data, size, at);
}

static int sync_with(int (*real)(int), int fd) {
  enum place where = place_of_fd(fd);
  if (where == incoming) point(syncing);
  if (flip && where == incoming && atomic_fetch_add(&partials_synced, 1) % 4 == 3) {
    char byte = 0;
    raw(SYS_pread64, fd, (long)&byte, 1, 0);
    byte ^= 4;
    raw(SYS_pwrite64, fd, (long)&byte, 1, 0);
  }
  if (where == area) point(renaming);
  if (where == store) before_store_changes();
  if (fails("sync", where, NULL)) return -1;
  int result = no_sync && where != elsewhere ? 0 : real(fd);
  if (where == incoming) point(syncing);
  if (where == area) {
    atomic_store(&to_commit, 1);
    point(committing);
  }
  if (where == store) {
    before_store_changes();
    atomic_store(&to_commit, 0);
  }
  return result;
}

int fsync(int fd) {
  REAL(fsync);
  return sync_with(real, fd);
}

/// Small files are synced together; each of those that are open may be the one whose bit flips.
int syncfs(int fd) {
  REAL(syncfs);
  point(syncing);
  for (int one = 3; flip && one < 1024; ++one) {
    if (place_of_fd(one) != incoming || atomic_fetch_add(&partials_synced, 1) % 4 != 3) continue;
    char byte = 0;
    if (raw(SYS_pread64, one, (long)&byte, 1, 0) != 1) continue;
    byte ^= 4;
    raw(SYS_pwrite64, one, (long)&byte, 1, 0);
  }
  if (fails("sync", incoming, NULL)) return -1;
  int result = no_sync ? 0 : real(fd);
  point(syncing);
  return result;
}

int fdatasync(int fd) {
  REAL(fdatasync);
  return sync_with(real, fd);
}

int ftruncate64(int fd, off64_t size) {
  REAL(ftruncate64);
  if (late) write_all_held();
  return fails("cut", place_of_fd(fd), NULL) ? -1 : real(fd, size);
}

int ftruncate(int fd, off_t size) {
  REAL(ftruncate);
  return fails("cut", place_of_fd(fd), NULL) ? -1 : real(fd, size);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  REAL(renameat2);
  point(renaming);
  if (fails("rename", area, NULL)) return -1;
  int result = real(from_folder, from, to_folder, to, flags);
  point(renaming);
  return result;
}

int open64(const char* path, int flags, ...) {
  REAL(open64);
  va_list rest;
  va_start(rest, flags);
  int mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, int) : 0;
  va_end(rest);
  return fails("open", place_of(path), NULL) ? -1 : real(path, flags, mode);
}

/// openat2 has no function of its own in the C library.
long syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  long arguments[6];
  for (int i = 0; i < 6; ++i) arguments[i] = va_arg(rest, long);
  va_end(rest);
  static long (*real)(long, ...);
  if (!real) real = dlsym(RTLD_NEXT, "syscall");
  if (number == SYS_openat2 && fails("open", incoming, NULL)) return -1;
  return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

static void heard(const char* data, ssize_t size) {
  if (size < 16) return;
  if (!memcmp(data, "POST /v1/proxies", 16)) {
    atomic_fetch_add(&submissions, 1);
    point(accepting);
  } else if (kill_phase == transferring && data[0] == '{' &&
             (memmem(data, (size_t)size, "\"progress\"", 10) ||
              memmem(data, (size_t)size, "\"responded\"", 11))) {
    point(transferring);
  }
}

static void says(const char* data, size_t size) {
  if (size < 12 || memcmp(data, "HTTP/1.1 20", 11) || atomic_load(&submissions) <= 0) return;
  if (data[11] != '2' && data[11] != '0') return;
  point(accepting);
  atomic_fetch_sub(&submissions, 1);
}

ssize_t recv(int fd, void* data, size_t size, int flags) {
  REAL(recv);
  ssize_t got = real(fd, data, size, flags);
  heard(data, got);
  return got;
}

ssize_t recvmsg(int fd, struct msghdr* message, int flags) {
  REAL(recvmsg);
  ssize_t got = real(fd, message, flags);
  if (got > 0 && message->msg_iovlen > 0)
    heard(message->msg_iov[0].iov_base,
          got < (ssize_t)message->msg_iov[0].iov_len ? got : (ssize_t)message->msg_iov[0].iov_len);
  return got;
}

ssize_t read(int fd, void* data, size_t size) {
  REAL(read);
  ssize_t got = real(fd, data, size);
  if (kill_phase == accepting) heard(data, got);
  return got;
}

ssize_t send(int fd, const void* data, size_t size, int flags) {
  REAL(send);
  says(data, size);
  return real(fd, data, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  REAL(sendmsg);
  if (message->msg_iovlen > 0) says(message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
  return real(fd, message, flags);
}
