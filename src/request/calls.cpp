// SPDX-License-Identifier: Apache-2.0
#include "request/calls.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "proxy/jws.hpp"
#include "request/model.hpp"
#include "request/sealing.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <thread>

namespace restante::request {
namespace {

constexpr const char* json_type = "application/json";

constexpr std::size_t problem_limit = 64u << 10;

std::string encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        std::string_view("-._~").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

/// The target of `Link: <target>; rel="next"` (RFC 8288), "" if there is none.
std::string next_page(std::string_view link) {
  const auto open = link.find('<');
  const auto close = link.find('>');
  if (open == link.npos || close == link.npos || close < open || link.find("next", close) == link.npos)
    return {};
  return std::string(link.substr(open + 1, close - open - 1));
}

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == text.npos;
}

Result<Job> job_of(const Result<net::ClientResponse>& answer) {
  if (!answer) return fail(answer.error());
  auto object = json::parse_object(answer->body, "the place's answer");
  if (!object) return fail(std::move(object.error()));
  return read_job(*object);
}

template <class T>
Result<std::vector<T>> list_of(const std::string& body, const char* member,
                               T (*read)(const json::bj::object&)) {
  auto value = json::parse(body, "the place's answer");
  if (!value) return fail(std::move(value.error()));
  const json::bj::array* list = value->if_array();
  if (list == nullptr && value->is_object()) list = json::array(value->get_object(), member);
  std::vector<T> out;
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i)
    if (const auto* entry = (*list)[i].if_object()) out.push_back(read(*entry));
  return out;
}

TrashedFile read_trashed(const json::bj::object& object) {
  TrashedFile file;
  file.id = json::text(object, "id");
  file.name = json::text(object, "name");
  file.removed = json::text(object, "removed");
  file.until = json::text(object, "until");
  file.size_bytes = read_file(object).size_bytes.value_or(0);
  file.json = json::bj::serialize(object);
  return file;
}

}  // namespace

bool Job::ended() const {
  return state == "done" || state == "failed" || state == "cancelled" || state == "expired";
}

Error error_of(int status, std::string_view content_type, std::string_view body) {
  json::bj::object problem;
  if (content_type.find("json") != content_type.npos)
    if (auto parsed = json::parse_object(body, "the answer")) problem = std::move(*parsed);
  if (problem.empty())
    problem["detail"] = "the place answered with status " + std::to_string(status) +
                        (status >= 400 ? "" : " instead of what was asked for");
  return read_error(problem, status);
}

struct Calls::Ask {
  std::string method = "GET";
  std::string path;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool repeatable = true;
};

Result<net::ClientResponse> Calls::ask(Ask ask) {
  net::ClientRequest request;
  request.method = std::move(ask.method);
  request.url = place_.url + ask.path;
  request.headers = std::move(ask.headers);
  if (!place_.token.empty()) request.headers.emplace_back("Authorization", "Bearer " + place_.token);
  request.headers.emplace_back("Accept", json_type);
  if (!ask.content_type.empty()) request.headers.emplace_back("Content-Type", ask.content_type);
  request.body = std::move(ask.body);
  for (int tries = 1;; ++tries) {
    auto answer = client_.send(request);
    if (!answer) return answer;
    reached_ = true;
    if (answer->status >= 200 && answer->status < 300) return answer;
    const bool busy = answer->status == 429 || answer->status == 503;
    int wait_s = 1;
    const std::string_view after = answer->header("Retry-After");
    std::from_chars(after.data(), after.data() + after.size(), wait_s);
    if (!busy || !ask.repeatable || tries >= limits_.busy_tries || wait_s < 0 ||
        wait_s > limits_.busy_wait.count())
      return fail(error_of(answer->status, answer->header("Content-Type"), answer->body));
    std::this_thread::sleep_for(std::chrono::seconds(wait_s));
  }
}

Result<Calls::Submitted> Calls::submit(const std::string& document) {
  Ask ask;
  ask.method = "POST";
  ask.path = "/v1/proxies";
  ask.content_type = media_type_of(document);
  ask.body = document;
  auto answer = this->ask(std::move(ask));
  auto job = job_of(answer);
  if (!job) return fail(std::move(job.error()));
  return Submitted{std::move(*job), answer->status == 200};
}

Result<std::vector<Verdict>> Calls::submit_many(const std::vector<std::string>& documents) {
  Ask ask;
  ask.method = "POST";
  ask.path = "/v1/proxies";
  ask.content_type = "application/jsonl";
  for (const std::string& document : documents) ask.body += document + "\n";
  auto answer = this->ask(std::move(ask));
  if (!answer) return fail(std::move(answer.error()));
  std::vector<Verdict> out;
  std::string_view rest = answer->body;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) continue;
    auto object = json::parse_object(line, "a line of the place's answer");
    if (!object) return fail(std::move(object.error()));
    Verdict verdict;
    verdict.replayed = json::text(*object, "status") == "replayed";
    if (const auto* job = json::object(*object, "job")) verdict.job = read_job(*job);
    if (!verdict.job) {
      const auto* error = json::object(*object, "error");
      verdict.error = read_error(error != nullptr ? *error : json::bj::object(), 400);
    }
    out.push_back(std::move(verdict));
  }
  if (out.size() != documents.size())
    return fail(Reason::malformed, "the place answered " + std::to_string(out.size()) + " of " +
                                       std::to_string(documents.size()) + " requests");
  return out;
}

Result<JobDetail> Calls::job(const std::string& id, std::chrono::seconds wait) {
  Ask ask;
  ask.path = "/v1/jobs/" + id;
  if (wait.count() > 0) ask.headers.emplace_back("Prefer", "wait=" + std::to_string(wait.count()));
  auto answer = this->ask(std::move(ask));
  if (!answer) return fail(std::move(answer.error()));
  auto object = json::parse_object(answer->body, "the place's answer");
  if (!object) return fail(std::move(object.error()));
  JobDetail out = read_job_detail(*object);
  out.etag = answer->header("ETag");
  return out;
}

Result<void> Calls::jobs(const std::vector<std::string>& states, const std::function<bool(Job)>& take) {
  std::string path = "/v1/jobs?limit=" + std::to_string(limits_.page);
  for (std::size_t i = 0; i < states.size(); ++i) path += (i == 0 ? "&state=" : ",") + states[i];
  while (!path.empty()) {
    Ask ask;
    ask.path = path;
    auto answer = this->ask(std::move(ask));
    if (!answer) return fail(std::move(answer.error()));
    auto list = list_of<Job>(answer->body, "jobs", read_job);
    if (!list) return fail(std::move(list.error()));
    for (Job& job : *list)
      if (!take(std::move(job))) return {};
    path = list->empty() ? std::string() : next_page(answer->header("Link"));
    if (!path.empty() && path[0] != '/')
      return fail(Reason::malformed, "the place's next page is somewhere else");
  }
  return {};
}

Result<std::string> Calls::job_id(const std::string& text) {
  const std::string wanted = ascii_lower(text);
  if (wanted.size() == 32 && is_hex(wanted)) return wanted;
  if (wanted.size() < 4 || wanted.size() > 32 || !is_hex(wanted))
    return fail(Reason::usage, "'" + text + "' is not the id of a download", "`restante list` shows the ids");
  std::vector<std::string> found;
  auto done = jobs({}, [&](const Job& job) {
    if (job.id.starts_with(wanted)) found.push_back(job.id);
    return found.size() < 2;
  });
  if (!done) return fail(std::move(done.error()));
  if (found.size() == 1) return found[0];
  if (found.empty())
    return fail(Reason::not_found, "there is no download " + text, "`restante list` shows the downloads");
  return fail(Reason::usage, "several downloads begin with " + text, "give more digits of the id");
}

Result<Job> Calls::act(const std::string& id, const std::string& action) {
  Ask ask;
  ask.method = "POST";
  ask.path = "/v1/jobs/" + id + ":" + action;
  return job_of(this->ask(std::move(ask)));
}

Result<Job> Calls::change(const std::string& id, const std::string& etag, const std::string& merge_patch) {
  Ask ask;
  ask.method = "PATCH";
  ask.path = "/v1/jobs/" + id;
  ask.content_type = "application/merge-patch+json";
  ask.headers.emplace_back("If-Match", etag);
  ask.body = merge_patch;
  return job_of(this->ask(std::move(ask)));
}

Result<std::vector<StoredFile>> Calls::files(bool arriving) {
  Ask ask;
  ask.path = arriving ? "/v1/files?arriving=true" : "/v1/files";
  auto answer = this->ask(std::move(ask));
  if (!answer) return fail(std::move(answer.error()));
  return list_of<StoredFile>(answer->body, "files", read_file);
}

Result<StoredFile> Calls::file(const std::string& name_or_id) {
  Ask ask;
  ask.path = "/v1/files?name=" + encoded(name_or_id);
  auto answer = this->ask(std::move(ask));
  if (!answer) return fail(std::move(answer.error()));
  auto list = list_of<StoredFile>(answer->body, "files", read_file);
  if (!list) return fail(std::move(list.error()));
  for (StoredFile& file : *list)
    if (file.name == name_or_id && !file.arriving) return std::move(file);
  if (name_or_id.size() == 32 && is_hex(name_or_id)) {
    auto all = files(false);
    if (!all) return fail(std::move(all.error()));
    for (StoredFile& file : *all)
      if (file.id == name_or_id) return std::move(file);
  }
  return fail(Reason::not_found, "there is no file " + name_or_id,
              "`restante files` shows the files by name");
}

Result<void> Calls::ask_delete(std::string path, std::string_view query, Removal removal) {
  Ask ask;
  ask.method = "DELETE";
  ask.path = std::move(path);
  ask.path += query;
  if (removal == Removal::for_good) ask.path += query.empty() ? "?now=true" : "&now=true";
  auto answer = this->ask(std::move(ask));
  if (!answer) return fail(std::move(answer.error()));
  return {};
}

Result<void> Calls::remove_file(const std::string& id, Removal removal) {
  return ask_delete("/v1/files/" + id, "", removal);
}

Result<void> Calls::remove_folder(const std::string& path, Removal removal) {
  return ask_delete("/v1/folders", "?path=" + encoded(path), removal);
}

Result<void> Calls::empty_trash() {
  return ask_delete("/v1/trash", "", Removal::into_trash);
}

Result<json::bj::object> Calls::ask_change(std::string method, std::string path,
                                           const json::bj::object& body) {
  Ask ask;
  ask.method = std::move(method);
  ask.path = std::move(path);
  ask.content_type = json_type;
  ask.body = json::bj::serialize(body);
  auto answer = this->ask(std::move(ask));
  if (!answer) return fail(std::move(answer.error()));
  return json::parse_object(answer->body, "the place's answer");
}

Result<StoredFile> Calls::rename_file(const std::string& id, const std::string& name) {
  auto object = ask_change("PATCH", "/v1/files/" + id, {{"name", name}});
  if (!object) return fail(std::move(object.error()));
  return read_file(*object);
}

Result<std::string> Calls::move_folder(const std::string& path, const std::string& to) {
  auto object = ask_change("PATCH", "/v1/folders", {{"path", path}, {"to", to}});
  if (!object) return fail(std::move(object.error()));
  return std::string(json::text(*object, "path"));
}

Result<StoredFile> Calls::restore_file(const std::string& id) {
  auto object = ask_change("POST", "/v1/trash/" + id + ":restore", {});
  if (!object) return fail(std::move(object.error()));
  return read_file(*object);
}

Result<std::vector<TrashedFile>> Calls::trash() {
  Ask ask;
  ask.path = "/v1/trash";
  auto answer = this->ask(std::move(ask));
  if (!answer) return fail(std::move(answer.error()));
  return list_of<TrashedFile>(answer->body, "files", read_trashed);
}

Result<boost::json::object> Calls::place_now() {
  Ask ask;
  ask.path = "/v1/place";
  auto answer = this->ask(std::move(ask));
  if (!answer) return fail(std::move(answer.error()));
  return json::parse_object(answer->body, "the place's answer");
}

Result<std::vector<Device>> Calls::devices() {
  Ask ask;
  ask.path = "/v1/devices";
  auto answer = this->ask(std::move(ask));
  if (!answer) return fail(std::move(answer.error()));
  return list_of<Device>(answer->body, "devices", read_device);
}

Result<void> Calls::revoke_device(const std::string& id) {
  Ask ask;
  ask.method = "DELETE";
  ask.path = "/v1/devices/" + encoded(id);
  auto answer = this->ask(std::move(ask));
  if (!answer) return fail(std::move(answer.error()));
  return {};
}

Result<net::ClientResponse> Calls::stream(const std::string& path, net::ClientRequest request) {
  request.url = place_.url + path;
  request.headers.emplace_back("Authorization", "Bearer " + place_.token);
  int status = 0;
  std::string content_type, problem;
  const auto on_head = std::move(request.on_head);
  const auto on_body = std::move(request.on_body);
  request.on_head = [&](int code, const auto& headers) {
    status = code;
    reached_ = true;
    for (const auto& [name, value] : headers)
      if (iequals(name, "Content-Type")) content_type = value;
    if (code < 400 && on_head) on_head(code, headers);
  };
  request.on_body = [&](std::string_view piece) {
    if (status < 400) return on_body(piece);
    problem.append(piece.substr(0, problem_limit - std::min(problem.size(), problem_limit)));
    return true;
  };
  auto answer = client_.send(request);
  if (answer && status >= 400) return fail(error_of(status, content_type, problem));
  return answer;
}

namespace {

tl::unexpected<Error> another_server(const PairingUrl& url, const std::string& jkt) {
  return fail(Reason::tls,
              "another server answers at " + url.url + ": its key is " + jkt + ", expected " + url.jkt,
              "ask for a new URL at the place: `restanted pair USER`");
}

/// What the place signed must be of this moment, for this device, and about the URL that was asked: a server
/// of another name that passes the question on gets an answer about its own name.
Result<void> check_claim(std::string_view payload, const PairingUrl& url, const std::string& nonce,
                         const std::string& device) {
  auto claim = json::parse_object(payload, "what the place signed");
  if (!claim) return fail(std::move(claim.error()));
  const std::string said = json::text(*claim, "url");
  if (json::text(*claim, "nonce") != nonce || json::text(*claim, "for") != device ||
      json::text(*claim, "jkt") != url.jkt)
    return fail(Reason::tls, "what answers at " + url.url + " does not prove that it is the place");
  if (said == url.url) return {};
  if ("https" + said.substr(std::min<std::size_t>(said.find(':'), said.size())) == url.url)
    return fail(Reason::tls, "the place at " + url.url + " does not know that it is reached over TLS",
                "there, tell it about its reverse proxy: [listen] trusted_proxies in the configuration");
  return fail(Reason::tls, "another server answers at " + url.url + " and passes on what " + said + " says",
              "ask for a new URL at the place: `restanted pair USER`");
}

/// Has the server prove that it holds the key of the pairing URL before the code is shown to it.
Result<void> check_identity(net::HttpClient& client, const PairingUrl& url, const std::string& device) {
  const std::string nonce = random_token();
  net::ClientRequest request;
  request.url = url.url + "/.well-known/restante?nonce=" + nonce + "&for=" + device;
  auto answer = client.send(request);
  if (!answer) return fail(std::move(answer.error()));
  if (answer->status != 200)
    return fail(error_of(answer->status, answer->header("Content-Type"), answer->body));
  auto object = json::parse_object(answer->body, "what answers at " + url.url);
  if (!object) return fail(std::move(object.error()));
  const auto* jwk = json::object(*object, "jwk");
  const auto key = proxy::PublicKey::from_jwk(jwk != nullptr ? json::bj::serialize(*jwk) : "");
  if (!key || key->thumbprint() != url.jkt) return another_server(url, key ? key->thumbprint() : "unknown");
  const auto proof = proxy::verify_compact(json::text(*object, "proof"), *key, "restante-place+jws");
  if (!proof) return fail(Reason::tls, "what answers at " + url.url + " does not prove that it is the place");
  return check_claim(proof->payload, url, nonce, device);
}

}  // namespace

Result<Place> enrol(net::HttpClient& client, const PairingUrl& url, const proxy::PrivateKey& key,
                    const std::string& label) {
  namespace bj = json::bj;
  const proxy::PublicKey device = key.public_key();
  if (auto right = check_identity(client, url, device.thumbprint()); !right)
    return fail(std::move(right.error()));
  auto jwk = json::parse_object(device.jwk(), "the device's key");
  if (!jwk) return fail(std::move(jwk.error()));
  bj::object claim;
  claim["code"] = url.code;
  claim["jkt"] = url.jkt;
  bj::object body;
  body["code"] = url.code;
  body["label"] = label;
  body["jwk"] = std::move(*jwk);
  body["proof"] = proxy::sign_compact(key, bj::serialize(claim), "restante-enrol+jws");

  net::ClientRequest request;
  request.method = "POST";
  request.url = url.url + "/v1/devices";
  request.headers = {{"Content-Type", json_type}, {"Accept", json_type}};
  request.body = bj::serialize(body);
  auto answer = client.send(request);
  if (!answer) return fail(std::move(answer.error()));
  if (answer->status != 201)
    return fail(error_of(answer->status, answer->header("Content-Type"), answer->body));
  auto object = json::parse_object(answer->body, "the place's answer");
  if (!object) return fail(std::move(object.error()));
  Place place;
  place.url = url.url;
  place.jkt = url.jkt;
  place.token = json::text(*object, "token");
  place.device_jkt = device.thumbprint();
  place.device_id = place.device_jkt;
  if (const auto* made = json::object(*object, "device"); made && !json::text(*made, "id").empty())
    place.device_id = json::text(*made, "id");
  if (const auto* account = json::object(*object, "account")) place.account = json::text(*account, "name");
  if (const auto* said = json::object(*object, "place")) {
    place.tz = json::text(*said, "tz");
    if (const std::string jkt = json::text(*said, "jkt"); !jkt.empty() && jkt != url.jkt)
      return another_server(url, jkt);
  }
  if (place.token.empty())
    return fail(Reason::malformed, "the place gave no token", "is this a restante place?");
  return place;
}

}  // namespace restante::request
