// SPDX-License-Identifier: Apache-2.0
#include "mailboxes.hpp"

#include "data_dir.hpp"
#include "intake/drop_folder.hpp"
#include "notices.hpp"

#include <charconv>

namespace restante::daemon {

namespace {

constexpr const char* refused_folder = "Restante-refused";
constexpr const char* done_folder = "Restante-done";

class ImapMailbox final : public intake::Mailbox {
public:
  ImapMailbox(net::ImapFolder folder, bool keep_done, const std::atomic<bool>& stop)
      : client_(std::move(folder), stop), keep_done_(keep_done) {}

  std::string_view name() const override { return "imap"; }
  bool may_be_unfinished() const override { return false; }
  Result<std::vector<intake::Letter>> list(std::size_t most) override {
    auto messages = client_.list(most);
    if (!messages) return fail(std::move(messages.error()));
    std::vector<intake::Letter> out;
    for (const auto& one : *messages) out.push_back({std::to_string(one.uid), {}, one.bytes});
    return out;
  }
  Result<std::string> fetch(const intake::Letter& letter, std::size_t most_bytes) override {
    return client_.fetch(uid_of(letter), most_bytes);
  }
  Result<void> settle(const intake::Letter& letter, Fate fate, const Error&) override {
    if (fate == Fate::refused) return client_.set_aside(uid_of(letter), refused_folder);
    return keep_done_ ? client_.set_aside(uid_of(letter), done_folder) : client_.erase(uid_of(letter));
  }

private:
  static std::uint32_t uid_of(const intake::Letter& letter) {
    std::uint32_t out = 0;
    std::from_chars(letter.id.data(), letter.id.data() + letter.id.size(), out);
    return out;
  }
  net::ImapClient client_;
  bool keep_done_;
};

class DavMailbox final : public intake::Mailbox {
public:
  DavMailbox(net::DavFolder folder, bool keep_done, const std::atomic<bool>& stop)
      : client_(std::move(folder), stop), keep_done_(keep_done) {}

  std::string_view name() const override { return "webdav"; }
  bool may_be_unfinished() const override { return true; }
  Result<std::vector<intake::Letter>> list(std::size_t most) override {
    auto files = client_.list();
    if (!files) return fail(std::move(files.error()));
    std::vector<intake::Letter> out;
    for (auto& one : *files) {
      if (out.size() >= most) break;
      out.push_back({std::move(one.name), std::move(one.etag), one.bytes});
    }
    return out;
  }
  Result<std::string> fetch(const intake::Letter& letter, std::size_t most_bytes) override {
    return client_.fetch(file_of(letter), most_bytes);
  }
  Result<void> settle(const intake::Letter& letter, Fate fate, const Error&) override {
    if (fate == Fate::refused) return client_.set_aside(file_of(letter), refused_folder);
    return keep_done_ ? client_.set_aside(file_of(letter), done_folder) : client_.erase(file_of(letter));
  }

private:
  static net::DavFile file_of(const intake::Letter& letter) {
    return {letter.id, letter.version, letter.bytes};
  }
  net::DavClient client_;
  bool keep_done_;
};

}  // namespace

Result<MailboxPlan> mailbox_plan(const MailboxConfig& config) {
  MailboxPlan out;
  out.keep_done = config.keep_done;
  out.interval = config.interval;
  const auto read = [](const std::string& file, std::string& to, std::string_view where) -> Result<void> {
    if (file.empty()) return {};
    auto password = password_in(file, where);
    if (!password) return fail(std::move(password.error()));
    to = std::move(*password);
    return {};
  };
  if (!config.imap.url.empty()) {
    out.imap = config.imap;
    if (auto done = read(config.imap_password_file, out.imap->password, "[mailbox.imap] password_file");
        !done)
      return fail(std::move(done.error()));
  }
  if (!config.webdav.url.empty()) {
    out.webdav = config.webdav;
    if (auto done = read(config.webdav_password_file, out.webdav->password, "[mailbox.webdav] password_file");
        !done)
      return fail(std::move(done.error()));
    if (!config.webdav_ca_bundle.empty()) {
      auto roots = read_whole(config.webdav_ca_bundle);
      if (!roots)
        return fail(Reason::storage,
                    config.webdav_ca_bundle + " cannot be read: " + errno_text(roots.error()),
                    "see [mailbox.webdav] ca_bundle");
      out.webdav->roots_pem = std::move(*roots);
    }
  }
  if (!config.upload.url.empty()) {
    api::MailboxAddress upload{api::MailboxAddress::Kind::webdav, config.upload.url, config.upload.user, {}};
    if (auto done = read(config.upload_password_file, upload.password, "[mailbox.upload] password_file");
        !done)
      return fail(std::move(done.error()));
    out.told.push_back(std::move(upload));
  }
  if (!config.address.empty()) out.told.push_back({api::MailboxAddress::Kind::mail, config.address, {}, {}});
  return out;
}

Result<void> try_mailboxes(const MailboxPlan& plan) {
  const std::atomic<bool> stop{false};
  if (plan.imap) {
    net::ImapClient client(*plan.imap, stop);
    if (auto listed = client.list(1); !listed)
      return fail(listed.error().reason, listed.error().message, "see [mailbox.imap] in the configuration");
  }
  if (plan.webdav) {
    net::DavClient client(*plan.webdav, stop);
    if (auto listed = client.list(); !listed)
      return fail(listed.error().reason, listed.error().message, "see [mailbox.webdav] in the configuration");
  }
  return {};
}

Mailboxes::Mailboxes(const MailboxPlan& plan, intake::Receiver& receiver, const TellRefused& tell_refused)
    : receiver_(receiver), tell_refused_(tell_refused) {
  intake::PullerOptions options;
  options.interval = plan.interval;
  const auto add = [&](std::unique_ptr<intake::Mailbox> mailbox) {
    pullers_.push_back(std::make_unique<intake::MailboxPuller>(
        intake::PullerParts{std::move(mailbox), receiver, pool_.get_executor(), tell_refused}, options));
  };
  if (plan.imap) add(std::make_unique<ImapMailbox>(*plan.imap, plan.keep_done, stop_));
  if (plan.webdav) add(std::make_unique<DavMailbox>(*plan.webdav, plan.keep_done, stop_));
}

Result<void> Mailboxes::open_drop_folder(const std::string& path, Executor loop) {
  auto folder = intake::DropFolder::open(path, std::move(loop));
  if (!folder) return fail(std::move(folder.error()));
  intake::PullerParts parts{std::move(*folder), receiver_, pool_.get_executor(), tell_refused_};
  auto& opened = static_cast<intake::DropFolder&>(*parts.mailbox);
  parts.wait = [&opened](std::chrono::steady_clock::duration longest) { return opened.wait(longest); };
  drop_folder_ = std::make_unique<intake::MailboxPuller>(std::move(parts), intake::PullerOptions{});
  return {};
}

void Mailboxes::start(TaskGroup& group) {
  for (auto& one : pullers_) group.spawn(one->run());
  if (drop_folder_) group.spawn(drop_folder_->run());
}

api::Condition::Mail Mailboxes::condition() const {
  if (pullers_.empty()) return api::Condition::Mail::off;
  for (const auto& one : pullers_)
    if (one->failing()) return api::Condition::Mail::failing;
  return api::Condition::Mail::ok;
}

}  // namespace restante::daemon
