// SPDX-License-Identifier: Apache-2.0
// Loaded into server and worker when callgrind counts their instructions. The worker's locks are asked for and do
// nothing, so that callgrind can write its result; openat2(2), which Debian 12's valgrind does not know, becomes
// openat(2). Never part of the product.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/syscall.h>
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

int seccomp_load(const void *context) {
  (void)context;
  return 0;
}

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

long syscall(long number, ...) {
  long a[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; ++i) a[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_capset) return 0;
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
