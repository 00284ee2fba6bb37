// SPDX-License-Identifier: Apache-2.0
#include "net/mail_client.hpp"

#include "base/log.hpp"
#include "net/curl_parts.hpp"
#include "net/curl_url.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

namespace restante::net {
namespace {

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};

/// What one conversation works on; libcurl's callbacks get it.
struct Conversation {
  const std::atomic<bool>* stop = nullptr;
  std::string_view rest;     ///< of the content
  bool handed_over = false;  ///< all of the content was given to libcurl
  std::string last_line;     ///< of the server's answers, its beginning
};

std::size_t on_read(char* to, std::size_t size, std::size_t count, void* user) {
  auto& talk = *static_cast<Conversation*>(user);
  const std::size_t bytes = std::min(size * count, talk.rest.size());
  std::memcpy(to, talk.rest.data(), bytes);
  talk.rest.remove_prefix(bytes);
  if (bytes == 0) talk.handed_over = true;
  return bytes;
}

std::size_t on_line(char* line, std::size_t size, std::size_t count, void* user) {
  auto& talk = *static_cast<Conversation*>(user);
  talk.last_line.assign(line, std::min<std::size_t>(size * count, 32));
  return size * count;
}

std::size_t on_body(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

int stop_talking(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& talk = *static_cast<const Conversation*>(user);
  return talk.stop != nullptr && talk.stop->load() ? 1 : 0;
}

/// "550 5.1.1": the code and, if there is one, the enhanced code (RFC 3463), never the words.
std::string codes_of(const std::string& line) {
  std::size_t end = 0;
  while (end < line.size() && line[end] >= '0' && line[end] <= '9') ++end;
  if (end != 3) return {};
  std::size_t more = end + 1;
  while (more < line.size() && ((line[more] >= '0' && line[more] <= '9') || line[more] == '.')) ++more;
  const std::string_view enhanced = std::string_view(line).substr(end + 1, more - end - 1);
  return line.substr(0, end) + (enhanced.size() >= 5 ? " " + std::string(enhanced) : std::string());
}

class Session {
public:
  explicit Session(const MailServer& server) : easy_(curl_easy_init()) {
    RESTANTE_REQUIRE(easy_ != nullptr);
    const std::string url = server.own_name.empty() ? server.url : server.url + "/" + server.own_name;
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(server.connect_time.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(server.total_time.count()));
    set(CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(server.total_time.count() / 1000 + 1));
    set(CURLOPT_USE_SSL, static_cast<long>(server.starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!server.ca_bundle.empty()) {
      set(CURLOPT_CAINFO, server.ca_bundle.c_str());
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    if (!server.user.empty()) {
      set(CURLOPT_USERNAME, server.user.c_str());
      set(CURLOPT_PASSWORD, server.password.c_str());
    }
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, stop_talking);
    set(CURLOPT_XFERINFODATA, &talk_);
    set(CURLOPT_HEADERFUNCTION, on_line);
    set(CURLOPT_HEADERDATA, &talk_);
    set(CURLOPT_WRITEFUNCTION, on_body);
    set(CURLOPT_ERRORBUFFER, detail_.data());
  }

  MailAnswer send(const MailOrder& order, const std::atomic<bool>& stop) {
    talk_.stop = &stop;
    talk_.rest = order.content;
    const std::string from = "<" + order.from + ">", to = "<" + order.to + ">";
    std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> recipients(
        curl_slist_append(nullptr, to.c_str()), curl_slist_free_all);
    set(CURLOPT_MAIL_FROM, from.c_str());
    set(CURLOPT_MAIL_RCPT, recipients.get());
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, on_read);
    set(CURLOPT_READDATA, &talk_);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(order.content.size()));
    return judge(curl_easy_perform(easy_.get()));
  }

  Result<void> attempt() {
    set(CURLOPT_NOBODY, 1L);
    set(CURLOPT_CUSTOMREQUEST, "NOOP");
    const MailAnswer answer = judge(curl_easy_perform(easy_.get()));
    if (answer.outcome == MailAnswer::Outcome::accepted) return {};
    return fail(Reason::unreachable, answer.message, "see [mail] in the configuration");
  }

private:
  template <class T>
  void set(CURLoption option, T value) {
    RESTANTE_REQUIRE(curl_easy_setopt(easy_.get(), option, value) == CURLE_OK);
  }

  MailAnswer judge(CURLcode code) {
    MailAnswer answer;
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    answer.code = static_cast<int>(status);
    if (code == CURLE_OK) {
      answer.outcome = MailAnswer::Outcome::accepted;
      return answer;
    }
    const std::string said = codes_of(talk_.last_line);
    const std::string_view detail(detail_.data());
    switch (code) {
      case CURLE_COULDNT_RESOLVE_HOST:
        answer.message = "the name of the mail server was not found";
        break;
      case CURLE_COULDNT_CONNECT:
        answer.message = "the mail server does not answer";
        break;
      case CURLE_OPERATION_TIMEDOUT:
        answer.message = "the mail server did not answer in time";
        break;
      case CURLE_ABORTED_BY_CALLBACK:
        answer.message = "stopped";
        break;
      case CURLE_USE_SSL_FAILED:
        answer.message = "the mail server offers no encryption (STARTTLS), and nothing is sent without";
        break;
      case CURLE_SSL_CONNECT_ERROR:
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CACERT_BADFILE:
        answer.message = fmt::format("the mail server did not prove its name: {}", detail);
        break;
      case CURLE_LOGIN_DENIED:
        // A sender that is not let in gets this code, too.
        answer.message = fmt::format("the mail server does not let us in ({})", said);
        break;
      default:
        answer.message = said.empty() || answer.code < 400
                             ? "the connection to the mail server broke"
                             : fmt::format("the mail server refused the mail ({})", said);
        // Of this recipient or this content; what is said of who we are is the operator's to mend.
        if (answer.code >= 550 && answer.code < 560 &&
            (talk_.handed_over || detail.find("RCPT") != std::string_view::npos))
          answer.outcome = MailAnswer::Outcome::refused;
    }
    return answer;
  }

  std::unique_ptr<CURL, FreeEasy> easy_;
  Conversation talk_;
  std::array<char, CURL_ERROR_SIZE> detail_{};
};

}  // namespace

Result<void> check(const MailServer& server) {
  const CurlUrl url(curl_url());
  const bool known = server.url.starts_with("smtp://") || server.url.starts_with("smtps://");
  if (!known || curl_url_set(url.get(), CURLUPART_URL, server.url.c_str(), 0) != CURLUE_OK)
    return fail(Reason::invalid, "a mail server is written smtp://HOST:587 or smtps://HOST:465");
  const std::string path = part(url.get(), CURLUPART_PATH).value_or("");
  if (part(url.get(), CURLUPART_USER) || part(url.get(), CURLUPART_QUERY) || (path != "/" && !path.empty()))
    return fail(Reason::invalid, "a mail server's URL has a host and a port only",
                "user and password_file are settings of their own");
  if (!server.starttls && server.url.starts_with("smtp://") &&
      !is_this_machine(part(url.get(), CURLUPART_HOST).value_or("")))
    return fail(Reason::invalid, "mail goes unencrypted only to a server on this machine",
                "leave starttls out, or use smtps://");
  return {};
}

MailAnswer send_mail(const MailServer& server, const MailOrder& order, const std::atomic<bool>& stop) {
  Session session(server);
  return session.send(order, stop);
}

Result<void> try_mail_server(const MailServer& server) {
  Session session(server);
  return session.attempt();
}

}  // namespace restante::net
