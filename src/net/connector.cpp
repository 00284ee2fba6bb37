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

void Connector::permit(std::uint32_t transfer, Permit permit) {
  auto fresh = std::make_shared<const Permit>(std::move(permit));
  const std::lock_guard lock(mutex_);
  permits_.insert_or_assign(transfer, std::move(fresh));
}

void Connector::forget(std::uint32_t transfer) {
  const std::lock_guard lock(mutex_);
  permits_.erase(transfer);
}

std::shared_ptr<const Permit> Connector::find(std::uint32_t transfer) const {
  const std::lock_guard lock(mutex_);
  const auto found = permits_.find(transfer);
  return found == permits_.end() ? nullptr : found->second;
}

Opened Connector::open(std::uint32_t transfer, int socktype, const sockaddr& address,
                       socklen_t length) const {
  const auto permit = find(transfer);
  const auto target = Endpoint::from(address, length);
  if (!permit || !target || (socktype & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM) return {EACCES, {}};
  const bool expected = std::any_of(permit->to.begin(), permit->to.end(), [&](const Endpoint& allowed) {
    return allowed == *target || (permit->data_ports && target->port() >= 1024 && allowed.same_host(*target));
  });
  if (!expected) return {EACCES, {}};
  return open_judged(*target, permit->policy, permit->lan, layer2_);
}

}  // namespace restante::net
