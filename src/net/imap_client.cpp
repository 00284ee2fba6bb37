// SPDX-License-Identifier: Apache-2.0
#include "net/imap_client.hpp"

#include "base/text.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace restante::net {
namespace {

constexpr std::size_t answer_bytes = 2u << 20;              ///< of one command but a fetch
constexpr std::string_view aside_mark = "RestanteRefused";  ///< keyword (RFC 3501 §2.3.2)
/// Keyword beside \Deleted of a letter that we are removing: not one that a person marked.
constexpr std::string_view erased_mark = "RestanteErased";

/// A folder's name that needs no escape in a command or a URL but for its spaces.
bool is_plain(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(" ._-/").find(c) != std::string_view::npos;
  });
}

/// The number behind `key` in a line of an answer, such as "UID 12".
std::optional<std::uint64_t> number_after(std::string_view line, std::string_view key) {
  const auto at = line.find(key);
  if (at == std::string_view::npos || at + key.size() >= line.size()) return std::nullopt;
  std::uint64_t out = 0;
  const auto* from = line.data() + at + key.size();
  const auto [end, error] = std::from_chars(from, line.data() + line.size(), out);
  if (error != std::errc{} || end == from) return std::nullopt;
  return out;
}

/// What libcurl's callbacks work on.
struct Answer {
  std::string body;
  std::size_t most = answer_bytes;
  bool too_long = false;
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& answer = *static_cast<Answer*>(user);
  const std::size_t bytes = size * count;
  answer.too_long = answer.too_long || bytes > answer.most - answer.body.size();
  if (answer.too_long) return 0;
  answer.body.append(data, bytes);
  return bytes;
}

std::size_t drop_line(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

int stop_if_asked(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(user)->load() ? 1 : 0;
}

tl::unexpected<Error> failure(CURLcode code, std::string_view detail) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return fail(Reason::dns, "the name of the mail server was not found");
    case CURLE_OPERATION_TIMEDOUT:
      return fail(Reason::timeout, "the mail server did not answer in time");
    case CURLE_USE_SSL_FAILED:
      return fail(Reason::tls,
                  "the mail server offers no encryption (STARTTLS), and nothing is sent without");
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return fail(Reason::tls, fmt::format("the mail server did not prove its name: {}", detail));
    case CURLE_LOGIN_DENIED:
      return fail(Reason::auth_required, "the mail server does not let us in");
    case CURLE_REMOTE_ACCESS_DENIED:
      return fail(Reason::auth_required, "the mail server does not open the folder");
    case CURLE_REMOTE_FILE_NOT_FOUND:
      return fail(Reason::conflict, "the letter, or its folder, is another one by now");
    case CURLE_QUOTE_ERROR:
      return fail(Reason::conflict, "the mail server refused the command");
    default:
      return fail(Reason::unreachable, "the mail server does not answer");
  }
}

}  // namespace

Result<void> check(const ImapFolder& folder) {
  const CurlUrl url(curl_url());
  const bool known = folder.url.starts_with("imap://") || folder.url.starts_with("imaps://");
  if (!known || curl_url_set(url.get(), CURLUPART_URL, folder.url.c_str(), 0) != CURLUE_OK)
    return fail(Reason::invalid, "a mail folder is written imaps://HOST/FOLDER");
  if (part(url.get(), CURLUPART_USER) || part(url.get(), CURLUPART_QUERY) ||
      part(url.get(), CURLUPART_OPTIONS) || part(url.get(), CURLUPART_FRAGMENT))
    return fail(Reason::invalid, "a mail folder's URL has a host, a port and a folder only",
                "user and password_file are settings of their own");
  const std::string path =
      part(url.get(), CURLUPART_PATH, CURLU_URLDECODE).value_or("");  // empty: control characters in it
  if (path.empty() || !is_plain(path))
    return fail(Reason::invalid, "the folder's name has characters that are not taken",
                "name it with letters, digits, spaces and . _ - / only");
  if (!folder.starttls && folder.url.starts_with("imap://") &&
      !is_this_machine(part(url.get(), CURLUPART_HOST).value_or("")))
    return fail(Reason::invalid, "mail is read unencrypted only from a server on this machine",
                "leave starttls out, or use imaps://");
  return {};
}

struct ImapClient::State {
  ImapFolder folder;
  const std::atomic<bool>* stop = nullptr;
  std::string name;          ///< of the folder
  std::string base;          ///< "imaps://host:port/FOLDER", encoded
  std::string uid_validity;  ///< ";UIDVALIDITY=n" once it is known
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{nullptr, curl_easy_cleanup};

  template <class T>
  void set(CURLoption option, T value) {
    RESTANTE_REQUIRE(curl_easy_setopt(easy.get(), option, value) == CURLE_OK);
  }

  void set_connection() {
    set(CURLOPT_PROTOCOLS_STR, "imap,imaps");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(folder.connect_time.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(folder.total_time.count()));
    set(CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(folder.total_time.count() / 1000 + 1));
    set(CURLOPT_USE_SSL, static_cast<long>(folder.starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!folder.ca_bundle.empty()) {
      set(CURLOPT_CAINFO, folder.ca_bundle.c_str());
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    set(CURLOPT_USERNAME, folder.user.c_str());
    set(CURLOPT_PASSWORD, folder.password.c_str());
    set(CURLOPT_HEADERFUNCTION, drop_line);
    set(CURLOPT_WRITEFUNCTION, take_body);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, stop_if_asked);
    set(CURLOPT_XFERINFODATA, stop);
  }

  /// `command` null: the message that `url` names.
  Result<std::string> ask(const std::string& url, const char* command, std::size_t most = answer_bytes) {
    Answer answer;
    answer.most = most;
    std::array<char, CURL_ERROR_SIZE> detail{};
    curl_easy_reset(easy.get());  // keeps the connection
    set_connection();
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_CUSTOMREQUEST, command);
    set(CURLOPT_WRITEDATA, &answer);
    set(CURLOPT_ERRORBUFFER, detail.data());
    const CURLcode code = curl_easy_perform(easy.get());
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
    if (answer.too_long && command == nullptr)
      return fail(Reason::too_large, "the letter is longer than it may be");
    if (code != CURLE_OK && !answer.too_long) return failure(code, detail.data());
    return std::move(answer.body);
  }
  Result<std::string> command(const std::string& text) { return ask(base + uid_validity, text.c_str()); }

  /// Letters are named by numbers that hold as long as this one does (RFC 3501 §2.3.1.1).
  Result<void> learn_validity() {
    const auto slash = base.find('/', base.find("://") + 3);
    const std::string status = fmt::format("STATUS \"{}\" (UIDVALIDITY)", name);
    auto answer = ask(base.substr(0, slash + 1), status.c_str());
    if (!answer) return fail(std::move(answer.error()));
    const auto number = number_after(*answer, "UIDVALIDITY ");
    if (!number) return fail(Reason::auth_required, "the mail server does not open the folder");
    uid_validity = fmt::format(";UIDVALIDITY={}", *number);
    return {};
  }
};

ImapClient::ImapClient(ImapFolder folder, const std::atomic<bool>& stop) : state_(std::make_unique<State>()) {
  State& state = *state_;
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  RESTANTE_REQUIRE(started == CURLE_OK);
  state.easy.reset(curl_easy_init());
  RESTANTE_REQUIRE(state.easy != nullptr);
  const CurlUrl url(curl_url());
  RESTANTE_REQUIRE(curl_url_set(url.get(), CURLUPART_URL, folder.url.c_str(), 0) == CURLUE_OK);
  state.name = part(url.get(), CURLUPART_PATH, CURLU_URLDECODE).value_or("").substr(1);
  if (state.name.empty()) state.name = "INBOX";
  state.base = folder.url.substr(0, folder.url.find('/', folder.url.find("://") + 3)) + "/";
  for (const char c : state.name) {
    if (c == ' ')
      state.base += "%20";
    else if (c == '/')
      state.base += "%2F";
    else
      state.base += c;
  }
  state.folder = std::move(folder);
  state.stop = &stop;
}

ImapClient::~ImapClient() = default;
ImapClient::ImapClient(ImapClient&&) noexcept = default;

Result<std::vector<ImapClient::Message>> ImapClient::list(std::size_t most) {
  State& state = *state_;
  if (auto learnt = state.learn_validity(); !learnt) return fail(std::move(learnt.error()));
  // The server tells of new letters at the end of a command.
  if (auto fresh = state.command("NOOP"); !fresh) return fail(std::move(fresh.error()));
  auto answer = state.command("UID FETCH 1:* (UID FLAGS RFC822.SIZE)");
  if (!answer) return fail(std::move(answer.error()));
  std::vector<Message> out;
  std::vector<std::uint64_t> half_erased;
  std::string_view rest = *answer;
  while (!rest.empty() && out.size() < most) {
    const auto end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const auto uid = number_after(line, "UID "), size = number_after(line, "RFC822.SIZE ");
    if (!uid || !size || *uid == 0 || *uid > UINT32_MAX || !line.starts_with("* ")) continue;
    const bool deleted = line.find("\\Deleted") != std::string_view::npos;
    if (deleted && line.find(erased_mark) != std::string_view::npos) half_erased.push_back(*uid);
    if (deleted || line.find(aside_mark) != std::string_view::npos) continue;
    out.push_back({static_cast<std::uint32_t>(*uid), *size});
  }
  // A stop between the two steps of erase().
  for (const std::uint64_t uid : half_erased)
    if (!state.command(fmt::format("UID EXPUNGE {}", uid))) break;
  std::sort(out.begin(), out.end(), [](const Message& a, const Message& b) { return a.uid < b.uid; });
  return out;
}

Result<std::string> ImapClient::fetch(std::uint32_t uid, std::size_t most_bytes) {
  return state_->ask(fmt::format("{}{}/;UID={}", state_->base, state_->uid_validity, uid), nullptr,
                     most_bytes);
}

Result<void> ImapClient::erase(std::uint32_t uid) {
  const std::string mark = fmt::format("UID STORE {} +FLAGS.SILENT (\\Deleted", uid);
  auto marked = state_->command(mark + " " + std::string(erased_mark) + ")");
  if (!marked && marked.error().reason == Reason::conflict)
    marked = state_->command(mark + ")");  // no keywords
  if (!marked) return fail(std::move(marked.error()));
  // Without UIDPLUS (RFC 4315) the only other way would remove what people marked, too.
  auto gone = state_->command(fmt::format("UID EXPUNGE {}", uid));
  if (!gone && gone.error().reason != Reason::conflict) return fail(std::move(gone.error()));
  return {};
}

Result<void> ImapClient::set_aside(std::uint32_t uid, const std::string& folder) {
  RESTANTE_REQUIRE(is_plain(folder));
  const std::string copy = fmt::format("UID COPY {} \"{}\"", uid, folder);
  auto copied = state_->command(copy);
  if (!copied && copied.error().reason == Reason::conflict) {
    auto made = state_->command(fmt::format("CREATE \"{}\"", folder));
    if (!made && made.error().reason != Reason::conflict) return fail(std::move(made.error()));
    copied = state_->command(copy);
  }
  if (copied) return erase(uid);
  if (copied.error().reason != Reason::conflict) return fail(std::move(copied.error()));
  auto marked = state_->command(fmt::format("UID STORE {} +FLAGS.SILENT (\\Seen {})", uid, aside_mark));
  if (!marked) return fail(std::move(marked.error()));
  return {};
}

}  // namespace restante::net
