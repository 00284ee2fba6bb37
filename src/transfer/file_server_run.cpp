// SPDX-License-Identifier: Apache-2.0
#include "transfer/file_server_run.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace restante::transfer {

namespace {

using net::CurlEnding;
using SteadyClock = std::chrono::steady_clock;

const proxy::Credential* find_sign_in(const jobs::TransferOrder& order, const std::string& origin) {
  for (const proxy::Credential& one : order.credentials)
    if (one.kind == proxy::CredentialKind::basic &&
        std::find(one.scope.begin(), one.scope.end(), origin) != one.scope.end())
      return &one;
  return nullptr;
}

}  // namespace

std::string host_fingerprint(std::string_view key) {
  const auto digest = sha256(key);
  std::string out = to_base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
  while (out.ends_with('=')) out.pop_back();
  return "SHA256:" + out;
}

FileServerRun::FileServerRun(const Limits& limits, std::uint32_t id, jobs::TransferOrder order, Ways ways)
    : limits_(limits),
      id_(id),
      order_(std::move(order)),
      ways_(std::move(ways)),
      phase_since_(SteadyClock::now()) {
}

FileServerRun::~FileServerRun() {
  handle_.reset();
  for (proxy::Credential& one : order_.credentials) wipe(one.password);
}

void FileServerRun::begin() {
  auto url = net::parse_ftp_url(order_.source.url);
  if (!url) return fail_with(url.error());
  url_ = std::move(*url);
  sign_in_ = find_sign_in(order_, url_.origin);
  phase_ = Phase::resolving;
  ways_.send(worker::Resolve{id_, 1, url_.scheme, url_.host, url_.port});
}

void FileServerRun::on_resolved(worker::Resolved answer) {
  if (phase_ != Phase::resolving) return;
  if (answer.refused) return fail_with(*answer.refused);
  addresses_ = std::move(answer.addresses);
  addresses_.resize(std::min(addresses_.size(), limits_.addresses));
  if (addresses_.empty()) return fail_with(fail(Reason::dns, url_.host + " has no address").value());
  phase_ = Phase::queued;
}

void FileServerRun::on_slot() {
  if (phase_ != Phase::queued) return;
  phase_ = Phase::running;
  phase_since_ = SteadyClock::now();
  run();
}

std::string FileServerRun::file_url() const {
  std::string path = url_.path;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return url_.origin + path;
}

void FileServerRun::ask(const Request& request) {
  request_ = request;
  content_came_ = false;
  net::FtpOptions ftp;
  if (sign_in_ != nullptr) {
    ftp.user = sign_in_->user;
    ftp.password = sign_in_->password;
  }
  ftp.encrypt = !plain_;
  ftp.only_look = request.only_look;
  ftp.list_command = request.list_command;
  ftp.from = request.from;
  net::CurlOptions options;
  options.url = file_url();
  if (request.folder && !options.url.ends_with('/')) options.url += '/';
  options.connect_address = addresses_[address_];
  options.connect_port = url_.port;
  options.connect_time = limits_.connect_time;
  options.buffer_bytes = request.buffer_bytes;
  options.fresh = fresh_;
  options.ftp = &ftp;
  handle_ = ways_.start(options, *this);
  wipe(ftp.password);
}

int FileServerRun::open_socket(int family, int socktype, const sockaddr* address, socklen_t length) {
  return ways_.open_socket(family, socktype, address, length);
}

/// Lines of the control connection; a server may greet with a page, not with a book.
net::CurlEvents::Taken FileServerRun::on_header(std::string_view line) {
  said_bytes_ += line.size();
  return said_bytes_ <= limits_.header_bytes ? Taken::all : Taken::abort;
}

net::CurlEvents::Taken FileServerRun::on_body(std::string_view bytes) {
  // Of a file that is only looked at libcurl writes size and date as if they were headers; with SFTP the size
  // is known when the first bytes come.
  if (request_.only_look) return secure_shell() ? Taken::abort : Taken::all;
  content_came_ = true;
  return take(bytes);
}

bool FileServerRun::on_host_key(std::string_view key) {
  shown_key_ = host_fingerprint(key);
  return sign_in_ != nullptr && shown_key_ == sign_in_->host_key;
}

void FileServerRun::on_end(const net::CurlEnd& end) {
  handle_.reset();
  if (finished()) return;
  if (tries_again(end)) return ask(request_);
  if (!request_.only_look || !secure_shell()) return on_answer(end);
  net::CurlEnd looked = end;
  if (end.ending == CurlEnding::finished) looked.size_bytes = 0;  // nothing came, and nothing was wrong
  if (end.ending == CurlEnding::aborted) looked.ending = CurlEnding::finished;
  on_answer(looked);
}

/// Whether the same request has another chance.
bool FileServerRun::tries_again(const net::CurlEnd& end) {
  if (content_came_) return false;
  const bool connecting =
      end.ending == CurlEnding::not_connected || end.ending == CurlEnding::connect_timeout;
  const bool judged = end.os_errno == EACCES || end.os_errno == EPERM;
  if (connecting && !judged && said_bytes_ == 0 && address_ + 1 < addresses_.size()) {
    ++address_;
    return true;
  }
  const bool tls = end.ending == CurlEnding::tls_untrusted || end.ending == CurlEnding::tls_failed;
  if (tls && url_.scheme == "ftp" && sign_in_ == nullptr && !plain_) return fresh_ = plain_ = true;
  // A kept connection may be of no use any more.
  const bool lost = end.ending == CurlEnding::stale || end.ending == CurlEnding::cut ||
                    end.ending == CurlEnding::nothing || end.ending == CurlEnding::malformed;
  if (lost && !fresh_) return fresh_ = true;
  return false;
}

Error FileServerRun::why_not_this_host() const {
  std::string text = url_.host + " shows the host key " + shown_key_;
  if (sign_in_ == nullptr) {
    text +=
        ", and there is no sign-in for it; if that is its key, give user, password and this key: --user "
        "USER --host-key " +
        shown_key_;
  } else if (sign_in_->host_key.empty()) {
    text +=
        ", and the sign-in names none to compare it with; nothing of the sign-in was sent. If that is its "
        "key, add --host-key " +
        shown_key_;
  } else {
    text += " and not " + sign_in_->host_key +
            "; nothing of the sign-in was sent. Ask who runs it whether the key was changed, or has several";
  }
  return fail(Reason::host_key, std::move(text)).value();
}

Error FileServerRun::why_not(const net::CurlEnd& end) const {
  const std::string& host = url_.host;
  const bool busy = end.reply == 421;  // RFC 959 §4.2.2
  switch (end.ending) {
    case CurlEnding::host_refused:
      return why_not_this_host();
    case CurlEnding::login_refused:
      if (sign_in_ == nullptr)
        return fail(Reason::auth_required, host + " asks for a user and a password").value();
      return fail(Reason::auth_expired, host + " does not accept the sign-in").value();
    case CurlEnding::not_there:
      return fail(Reason::not_found, host + " has no such file or folder, or does not show it").value();
    case CurlEnding::not_done:
      return fail(Reason::forbidden, host + " does not give this (answer " + std::to_string(end.reply) + ")")
          .value();
    case CurlEnding::not_connected:
      if (end.os_errno == EACCES || end.os_errno == EPERM)
        return fail(Reason::address, said_bytes_ == 0
                                         ? "connecting to " + host + " is not permitted"
                                         : host + " wants its data fetched where that is not permitted")
            .value();
      return fail(Reason::unreachable,
                  "no connection to " + host +
                      (end.os_errno != 0 ? ": " + errno_text(end.os_errno) : std::string()))
          .value();
    case CurlEnding::connect_timeout:  // libcurl's word for 421, too
      if (!busy) return fail(Reason::timeout, host + " did not answer in time").value();
      break;
    case CurlEnding::tls_untrusted:
    case CurlEnding::tls_failed:
    case CurlEnding::tls_refused_us:
    case CurlEnding::bad_certificate:
      return fail(Reason::tls, host + ": " + end.text).value();
    case CurlEnding::aborted:
      return fail(Reason::malformed, host + " says more than any file server has to").value();
    case CurlEnding::nothing:
    case CurlEnding::cut:
    case CurlEnding::stale:
    case CurlEnding::finished:
      if (!busy) return fail(Reason::incomplete, host + " closed the connection").value();
      break;
    case CurlEnding::no_protocol:
      return fail(Reason::malformed, host +
                                         " has no kind of host key or encryption that is known here; "
                                         "with an RSA key alone it cannot be reached")
          .value();
    default:
      if (!busy) return fail(Reason::malformed, host + " gave an answer that cannot be understood").value();
      break;
  }
  return fail(Reason::rate_limited, host + " has no room for us now").value();
}

void FileServerRun::on_tick(TimePoint now) {
  if (phase_ == Phase::resolving && now - phase_since_ > limits_.resolve_answer)
    return fail_with(fail(Reason::timeout, "the address of " + url_.host + " was not found in time").value());
  if (phase_ == Phase::running) while_running(now);
}

void FileServerRun::stop() {
  if (finished()) return;
  handle_.reset();
  jobs::TransferResult result;
  result.outcome = jobs::Outcome::stopped;
  result.reason = Reason::cancelled;
  finish(std::move(result));
}

void FileServerRun::fail_with(const Error& error) {
  jobs::TransferResult result;
  result.reason = error.reason;
  result.message = error.message;
  result.transient = error.transient;
  finish(std::move(result));
}

void FileServerRun::finish(jobs::TransferResult result) {
  if (finished()) return;
  phase_ = Phase::finished;
  handle_.reset();
  complete(result);
  ways_.send(worker::Finished{id_, std::move(result)});
}

}  // namespace restante::transfer
