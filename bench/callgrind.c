// SPDX-License-Identifier: Apache-2.0
// Loaded into server and worker when callgrind counts their instructions. The worker's locks are asked for and do
// nothing, so that callgrind can write its result; openat2(2), which Debian 12's valgrind does not know, becomes
// openat(2), and descriptors of processes, which it does not know either, become event descriptors that a thread
// makes readable when the process has ended. Never part of the product.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int unshare(int flags) {
  (void)flags;
  errno = EPERM;
  return -1;
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit) {
  (void)resource;
  (void)limit;
  return 0;
}

// libseccomp: a filter that is never made.
static char no_filter;

void *seccomp_init(uint32_t action) {
  (void)action;
  return &no_filter;
}

int seccomp_rule_add(void *context, uint32_t action, int call, unsigned int arguments, ...) {
  (void)context, (void)action, (void)call, (void)arguments;
  return 0;
}

int seccomp_rule_add_array(void *context, uint32_t action, int call, unsigned int arguments, const void *list) {
  (void)context, (void)action, (void)call, (void)arguments, (void)list;
  return 0;
}

int seccomp_attr_set(void *context, int attribute, uint32_t value) {
  (void)context, (void)attribute, (void)value;
  return 0;
}

int seccomp_load(const void *context) {
  (void)context;
  return 0;
}

void seccomp_release(void *context) { (void)context; }

static long ask_kernel(long number, const long *a) {
  register long r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  if (result >= 0 || result < -4095) return result;
  errno = (int)-result;
  return -1;
}

enum { descriptors = 1024 };
static pid_t process_of[descriptors];  // by descriptor

static void *await_end(void *descriptor) {
  const int fd = (int)(intptr_t)descriptor;
  siginfo_t info;
  while (ask_kernel(SYS_waitid, (const long[6]){P_PID, process_of[fd], (long)&info, WEXITED | WNOWAIT, 0, 0}) != 0 &&
         errno == EINTR) {
  }
  eventfd_write(fd, 1);
  return NULL;
}

static long open_process(pid_t pid) {
  const int fd = eventfd(0, EFD_CLOEXEC);
  if (fd < 0 || fd >= descriptors) return -1;
  process_of[fd] = pid;
  pthread_t thread;
  const int error = pthread_create(&thread, NULL, await_end, (void *)(intptr_t)fd);
  if (error != 0) {
    errno = error;
    return -1;
  }
  pthread_detach(thread);
  return fd;
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options) {
  const int known = type == P_PIDFD && id < descriptors && process_of[id] != 0;
  const long a[6] = {known ? P_PID : type, known ? process_of[id] : (long)id, (long)info, options, 0, 0};
  return (int)ask_kernel(SYS_waitid, a);
}

long syscall(long number, ...) {
  long a[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; ++i) a[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_capset) return 0;
  if (number == SYS_pidfd_open) return open_process((pid_t)a[0]);
  if (number == SYS_pidfd_send_signal && a[0] < descriptors) return kill(process_of[a[0]], (int)a[1]);
  if (number == SYS_landlock_create_ruleset || number == SYS_landlock_restrict_self) {
    errno = ENOSYS;
    return -1;
  }
  if (number == SYS_openat2) {
    const struct open_how *how = (const struct open_how *)a[2];
    const long plain[6] = {a[0], a[1], (long)how->flags, (long)how->mode, 0, 0};
    return ask_kernel(SYS_openat, plain);
  }
  return ask_kernel(number, a);
}
