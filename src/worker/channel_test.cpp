// SPDX-License-Identifier: Apache-2.0
#include "worker/channel.hpp"

#include "worker/messages.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <cstring>
#include <sys/socket.h>
#include <unistd.h>

namespace restante::worker {
namespace {

struct Pipe {
  UniqueFd read, write;
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
};

TEST(Channel, CarriesAPacketAndItsDescriptor) {
  auto ends = make_channel();
  ASSERT_TRUE(ends);
  WorkerChannel a(std::move(ends->first)), b(std::move(ends->second));
  Pipe pipe;

  ASSERT_TRUE(a.send("first"));
  ASSERT_TRUE(a.send("second", std::move(pipe.write)));
  auto first = b.receive();
  auto second = b.receive();
  auto nothing = b.receive();

  ASSERT_TRUE(first && *first && second && *second && nothing);
  EXPECT_EQ((**first).packet, "first");
  EXPECT_FALSE((**first).fd);
  EXPECT_EQ((**second).packet, "second");
  EXPECT_FALSE(nothing->has_value());
  ASSERT_EQ(::write((**second).fd.get(), "x", 1), 1);
  char got = 0;
  EXPECT_EQ(::read(pipe.read.get(), &got, 1), 1);
  EXPECT_EQ(got, 'x');
}

TEST(Channel, SaysWhenTheOtherSideHasGone) {
  auto ends = make_channel();
  WorkerChannel a(std::move(ends->first));
  ASSERT_TRUE(WorkerChannel(std::move(ends->second)).send("last words"));

  auto last = a.receive();
  auto end = a.receive();
  auto send = a.send("anybody?");

  ASSERT_TRUE(last && *last);
  EXPECT_EQ((**last).packet, "last words");
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().reason, Reason::worker_died);
  ASSERT_FALSE(send);
  EXPECT_EQ(send.error().reason, Reason::worker_died);
}

TEST(Channel, KeepsTheOrderWhileTheOtherSideIsSlow) {
  auto ends = make_channel();
  WorkerChannel a(std::move(ends->first)), b(std::move(ends->second));
  const std::string large(max_packet_bytes, 'x');
  constexpr int count = 30;

  for (int i = 0; i < count; ++i) ASSERT_TRUE(a.send(std::to_string(i) + large.substr(10)));
  EXPECT_TRUE(a.wants_write());
  int seen = 0;
  while (seen < count) {
    auto packet = b.receive();
    ASSERT_TRUE(packet);
    if (!*packet) {
      ASSERT_TRUE(a.flush());
      continue;
    }
    EXPECT_EQ((**packet).packet.substr(0, 3), (std::to_string(seen) + "xxx").substr(0, 3));
    ++seen;
  }

  EXPECT_FALSE(a.wants_write());
}

TEST(Channel, RefusesMoreThanItsQueueHolds) {
  auto ends = make_channel();
  WorkerChannel a(std::move(ends->first), ChannelLimits{3, 1000000});
  const std::string large(100000, 'x');

  int taken = 0;
  Result<void> last;
  while ((last = a.send(large)) && taken < 1000) ++taken;

  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().reason, Reason::busy);
  EXPECT_TRUE(last.error().transient);
  EXPECT_EQ(a.send(std::string(max_packet_bytes + 1, 'x')).error().reason, Reason::too_large);
}

TEST(Channel, RefusesTwoDescriptorsAndLeaksNone) {
  auto ends = make_channel();
  WorkerChannel a(std::move(ends->first));
  Pipe pipe;
  const int two[2] = {pipe.read.get(), pipe.write.get()};
  char byte = 'x';
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof two)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof two);
  std::memcpy(CMSG_DATA(header), two, sizeof two);
  ASSERT_EQ(::sendmsg(ends->second.get(), &message, 0), 1);

  const int before = UniqueFd(::dup(0)).get();
  auto received = a.receive();
  const int after = UniqueFd(::dup(0)).get();

  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().reason, Reason::malformed);
  EXPECT_EQ(before, after);
}

TEST(Channel, RefusesAPacketBeyondTheLimit) {
  auto ends = make_channel();
  WorkerChannel a(std::move(ends->first));
  const std::string large(max_packet_bytes + 1, 'x');
  ASSERT_EQ(::send(ends->second.get(), large.data(), large.size(), 0), static_cast<ssize_t>(large.size()));

  EXPECT_FALSE(a.receive());
}

TEST(LoopChannel, SpeaksBothWaysOnALoopAndEndsWhenClosed) {
  asio::io_context loop;
  auto ends = make_channel();
  LoopChannel a(loop.get_executor(), std::move(ends->first));
  WorkerChannel b(std::move(ends->second));
  const std::string large(max_packet_bytes, 'x');
  std::vector<std::string> got;
  bool ended = false;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(a.send(large));

  auto reader = [](LoopChannel& channel, std::vector<std::string>& out, bool& end) -> Task<> {
    for (;;) {
      auto packet = co_await channel.receive();
      if (!packet) break;
      out.push_back(packet->packet);
    }
    end = true;
  };
  asio::co_spawn(loop, reader(a, got, ended), asio::detached);
  loop.poll();
  int arrived = 0;
  for (int i = 0; i < 1000 && arrived < 20; ++i) {
    auto packet = b.receive();
    ASSERT_TRUE(packet);
    if (*packet) ++arrived;
    loop.poll();
  }
  ASSERT_TRUE(b.send("hello"));
  loop.poll();
  a.close();
  loop.run();

  EXPECT_EQ(arrived, 20);
  EXPECT_EQ(got, std::vector<std::string>{"hello"});
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace restante::worker
