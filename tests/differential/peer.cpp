// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

#include <curl/curl.h>

#include <mutex>

namespace restante::test {

namespace {

constexpr int attempts = 6;

std::size_t collect(char* bytes, std::size_t, std::size_t size, void* into) {
  static_cast<std::string*>(into)->append(bytes, size);
  return size;
}

/// One run of `curl --fail --location --continue-at -`.
CURLcode fetch(CURL* easy, const std::string& url, std::string& file) {
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &file);
  curl_easy_setopt(easy, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(file.size()));
  return curl_easy_perform(easy);
}

}  // namespace

Findings run_libcurl(const Plan& plan) {
  std::mutex mutex;
  std::shared_ptr<const Case> current;
  CaseServer server(plan.seed, [&](std::uint64_t number) -> std::shared_ptr<const Case> {
    const std::lock_guard lock(mutex);
    return current && current->number == number ? current : nullptr;
  });
  Origins origins{server.http(), server.https(), {}};
  curl_slist* names = nullptr;
  for (int i = 0; i < 24; ++i) {
    const std::string host = "h" + std::to_string(i) + ".content.test";
    origins.hosts.push_back(host);
    for (const std::uint16_t port : {origins.http, origins.https})
      names = curl_slist_append(names, (host + ":" + std::to_string(port) + ":127.0.0.1").c_str());
  }
  for (const std::uint16_t port : {origins.http, origins.https})
    names = curl_slist_append(
        names, (std::string(poisoned_host) + ":" + std::to_string(port) + ":127.0.0.1").c_str());
  CURL* easy = curl_easy_init();
  std::string ca = server.ca_pem();
  curl_blob roots{ca.data(), ca.size(), CURL_BLOB_COPY};
  curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &roots);
  curl_easy_setopt(easy, CURLOPT_RESOLVE, names);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 3000L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");

  Findings out;
  for (std::uint64_t number = plan.first; number < plan.first + plan.cases; ++number) {
    const auto made = std::make_shared<const Case>(make_case(plan.seed, number, origins));
    // What only a client with a known size or digest can tell is not held against libcurl.
    if (!made->fair || made->known_size || !made->digest_hex.empty()) continue;
    {
      const std::lock_guard lock(mutex);
      current = made;
    }
    const std::string url = (made->tls ? "https://" : "http://") + made->host + ":" +
                            std::to_string(made->tls ? origins.https : origins.http) + made->path;
    std::string file = made->held;
    CURLcode code = CURLE_OK;
    for (int attempt = 0; attempt < attempts; ++attempt) {
      code = fetch(easy, url, file);
      if (code == CURLE_OK) break;
      if (code == CURLE_RANGE_ERROR) file.clear();  // as a person would: once more, from the start
    }
    std::optional<Published> published;
    if (code == CURLE_OK) published = Published{std::move(file), made->unproven};
    out.judge(*made, published, curl_easy_strerror(code));
    server.forget(number);
  }
  curl_easy_cleanup(easy);
  curl_slist_free_all(names);
  return out;
}

}  // namespace restante::test
