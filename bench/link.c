// SPDX-License-Identifier: Apache-2.0
// link NAME_A NAME_B DELAY_MS LOSS RATE_MBIT QUEUE_BYTES SEED
// A cable between two TUN devices: what goes into one comes out of the other after DELAY_MS, serialised at RATE_MBIT behind a
// queue of QUEUE_BYTES, and lost with the probability LOSS; both directions alike. Says "up" when the devices are there; they
// may be moved into network namespaces then. Ends with its stdin.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { packets = 1 << 14, mtu = 1500, at_once = 64 };

struct packet {
  double due;
  ssize_t bytes;
  char data[mtu];
};

struct direction {
  struct packet *ring;
  unsigned first, count;
  double free_at;  // the wire, after what waits
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int open_tun(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  const int file = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (file < 0 || ioctl(file, TUNSETIFF, &request) < 0) {
    perror(name);
    exit(1);
  }
  return file;
}

static double wait_for(const struct direction *way, double wait) {
  if (way->count == 0) return wait;
  const double due = way->ring[way->first].due - now();
  return due < wait ? due : wait;
}

int main(int count, char **words) {
  if (count != 8) {
    fputs("usage: link NAME_A NAME_B DELAY_MS LOSS RATE_MBIT QUEUE_BYTES SEED\n", stderr);
    return 2;
  }
  const int files[2] = {open_tun(words[1]), open_tun(words[2])};
  const double delay = atof(words[3]) / 1e3, loss = atof(words[4]), bytes_per_s = atof(words[5]) * 1e6 / 8;
  const double queue = atof(words[6]);
  struct direction ways[2] = {{.ring = calloc(packets, sizeof(struct packet))}, {.ring = calloc(packets, sizeof(struct packet))}};
  if (ways[0].ring == NULL || ways[1].ring == NULL) return 1;
  srand48(atol(words[7]));
  prctl(PR_SET_TIMERSLACK, 1000);
  // A cable does not wait for the programs at its ends; without the right to it, the control shows what that costs.
  const struct sched_param before_others = {.sched_priority = 1};
  sched_setscheduler(0, SCHED_FIFO, &before_others);
  puts("up");
  fflush(stdout);
  for (;;) {
    double wait = wait_for(&ways[1], wait_for(&ways[0], 1.0));
    if (wait < 0) wait = 0;
    const struct timespec limit = {.tv_sec = (time_t)wait, .tv_nsec = (long)((wait - (double)(time_t)wait) * 1e9)};
    struct pollfd polled[3] = {{files[0], POLLIN, 0}, {files[1], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    if (ppoll(polled, 3, &limit, NULL) < 0 && errno != EINTR) return 1;
    if (polled[2].revents != 0) return 0;
    for (int i = 0; i < 2; ++i) {
      struct direction *way = &ways[i];
      for (int n = 0; n < at_once; ++n) {
        char data[mtu];
        const ssize_t bytes = read(files[i], data, sizeof data);
        if (bytes <= 0) break;
        const double at = now(), begin = at > way->free_at ? at : way->free_at;
        if ((begin - at) * bytes_per_s > queue || way->count == packets || drand48() < loss) continue;
        way->free_at = begin + (double)bytes / bytes_per_s;
        struct packet *packet = &way->ring[(way->first + way->count++) % packets];
        packet->due = way->free_at + delay;
        packet->bytes = bytes;
        memcpy(packet->data, data, (size_t)bytes);
      }
    }
    const double at = now();
    for (int i = 0; i < 2; ++i) {
      struct direction *way = &ways[i];
      while (way->count > 0 && way->ring[way->first].due <= at) {
        const struct packet *packet = &way->ring[way->first];
        // A device that is down or full loses it, as a cable would.
        if (write(files[1 - i], packet->data, (size_t)packet->bytes) < 0 && errno == EBADFD) return 1;
        way->first = (way->first + 1) % packets;
        --way->count;
      }
    }
  }
}
