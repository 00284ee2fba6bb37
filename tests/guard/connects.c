// SPDX-License-Identifier: Apache-2.0
// Preloaded into the server under test: writes every connect() of a stream socket to the file CONNECTS_LOG names, a line
// "ADDRESS PORT" each, before the kernel decides. It sees what the kernel itself refuses to send (multicast, link-local
// without an interface), which no packet counter can.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int log_fd = -1;

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("CONNECTS_LOG");
  if (path != NULL) log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

int connect(int fd, const struct sockaddr* address, socklen_t length) {
  static int (*real)(int, const struct sockaddr*, socklen_t);
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "connect");
  int type = 0;
  socklen_t size = sizeof type;
  const int family = address->sa_family;
  if (log_fd >= 0 && (family == AF_INET || family == AF_INET6) &&
      getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM) {
    char text[INET6_ADDRSTRLEN] = "?", line[INET6_ADDRSTRLEN + 16];
    const void* bytes = family == AF_INET ? (const void*)&((const struct sockaddr_in*)address)->sin_addr
                                          : (const void*)&((const struct sockaddr_in6*)address)->sin6_addr;
    // Both families have the port at the same place (RFC 3493 §3.3).
    const unsigned port = ntohs(((const struct sockaddr_in*)address)->sin_port);
    inet_ntop(family, bytes, text, sizeof text);
    const int written = snprintf(line, sizeof line, "%s %u\n", text, port);
    if (write(log_fd, line, (size_t)written) != written) abort();
  }
  return real(fd, address, length);
}
