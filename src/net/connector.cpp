// SPDX-License-Identifier: Apache-2.0
#include "net/connector.hpp"

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>

namespace restante::net {

Opened open_judged(const Endpoint& to, const AddressPolicy& policy, Lan lan, Judge layer2) {
  if (!layer2(to.raw(), to.length, policy, lan)) return {EACCES, {}};
  UniqueFd fd(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!fd) return {errno, {}};
  int done;
  do done = ::connect(fd.get(), &to.raw(), to.length);
  while (done != 0 && errno == EINTR);
  if (done != 0 && errno != EINPROGRESS) return {errno, {}};
  return {0, std::move(fd)};
}

void Connector::permit(std::uint32_t transfer, Permit permit, std::uint32_t part) {
  const int data_left = permit.data_connections;
  auto fresh = std::make_shared<const Permitted>(std::move(permit), data_left);
  const std::lock_guard lock(mutex_);
  permits_.insert_or_assign(Key{transfer, part}, std::move(fresh));
}

void Connector::forget(std::uint32_t transfer) {
  const std::lock_guard lock(mutex_);
  permits_.erase(permits_.lower_bound({transfer, 0}), permits_.lower_bound({transfer + 1, 0}));
}

std::shared_ptr<const Connector::Permitted> Connector::find(Key key) const {
  const std::lock_guard lock(mutex_);
  const auto found = permits_.find(key);
  return found == permits_.end() ? nullptr : found->second;
}

Opened Connector::open(std::uint32_t transfer, int socktype, const sockaddr& address, socklen_t length,
                       std::uint32_t part) const {
  const auto permitted = find({transfer, part});
  const auto target = Endpoint::from(address, length);
  if (!permitted || !target || (socktype & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM)
    return {EACCES, {}};
  const Permit& permit = permitted->permit;
  const auto& to = permit.to;
  const auto data = [&](const Endpoint& allowed) {
    return target->port() >= 1024 && allowed.same_host(*target);
  };
  const bool expected = std::find(to.begin(), to.end(), *target) != to.end() ||
                        (std::any_of(to.begin(), to.end(), data) && permitted->data_left.fetch_sub(1) > 0);
  if (!expected) return {EACCES, {}};
  return open_judged(*target, permit.policy, permit.lan, layer2_);
}

}  // namespace restante::net
