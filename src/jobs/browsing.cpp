// SPDX-License-Identifier: Apache-2.0
#include "jobs/browsing.hpp"

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "jobs/looking.hpp"
#include "proxy/rules.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <utility>

namespace restante::jobs {

namespace {

/// Keeps what one look brings.
struct Ear final : OfferObserver {
  void on_offers(Offers part) override {
    if (!heard) {
      heard = std::move(part);
      return;
    }
    std::move(part.offers.begin(), part.offers.end(), std::back_inserter(heard->offers));
    std::move(part.left_out.begin(), part.left_out.end(), std::back_inserter(heard->left_out));
  }
  std::optional<Offers> heard;
};

std::string joined(std::string_view folder, std::string_view name) {
  if (folder.empty() || name.empty()) return std::string(folder.empty() ? name : folder);
  return std::string(folder) + "/" + std::string(name);
}

/// Without query and fragment.
std::string_view bare(std::string_view url) {
  return url.substr(0, url.find_first_of("?#"));
}

std::size_t bytes_of(const Offer& offer) {
  std::size_t bytes =
      2 * offer.url.size() + offer.name.size() + offer.folder.size() + offer.label.size() + 100;
  for (const auto& source : offer.sources) bytes += source.url.size() + 20;
  for (const auto& [algorithm, hex] : offer.digests) bytes += hex.size() + 20;
  return bytes;
}

Error as_error(const TransferResult& result) {
  if (result.outcome == Outcome::stopped)
    return fail(Reason::timeout, "the content server did not answer in time").value();
  Error error = fail(result.reason, result.message).value();
  error.transient = result.transient;
  return error;
}

}  // namespace

/// One person's look; alive while it walks or its caller waits.
struct Browsing::Walk {
  Walk(Executor loop, AccountId whose, proxy::Document what, BrowseWish wanted)
      : account(whose), document(std::move(what)), wish(std::move(wanted)), ended(loop) {}

  struct Folder {
    std::string url, path;
    int depth = 0;
  };

  AccountId account;
  proxy::Document document;
  BrowseWish wish;
  Signal ended;
  std::stop_source stop;
  bool begun = false;  ///< the first look has brought something
  std::optional<Error> failed;
  Browsed out;
  std::deque<Folder> folders;
  std::set<std::string> seen;
  std::string below;  ///< what every folder's address begins with
  std::size_t bytes = 0;
  bool full = false;

  void leave_out(const BrowseLimits& limits, std::string what, std::string why) {
    if (out.left_out.size() < limits.left_out) out.left_out.push_back({std::move(what), std::move(why)});
  }

  /// Folders below are looked into later, everything else that is wished for is kept.
  void take(const BrowseLimits& limits, Offers offers, const Folder& at) {
    for (Offer& offer : offers.offers) {
      offer.folder = joined(at.path, offer.folder);
      if (!offer.folder.empty() && !proxy::rules::folder.holds(offer.folder)) {
        leave_out(limits, offer.name, "its folder lies too deep");
        continue;
      }
      const bool inside = bare(offer.url).starts_with(below) && bare(offer.url).size() > below.size();
      if (offer.kind == Offer::Kind::folder && inside && at.depth < wish.depth) {
        if (seen.insert(offer.url).second)
          folders.push_back({offer.url, joined(offer.folder, offer.name), at.depth + 1});
        continue;
      }
      keep(limits, std::move(offer));
    }
    for (LeftOut& one : offers.left_out)
      leave_out(limits, at.path.empty() ? one.what : at.path + ": " + one.what, std::move(one.why));
  }

  void keep(const BrowseLimits& limits, Offer offer) {
    const auto wished = [&](const Glob& glob) { return glob.matches(offer.folder, offer.name); };
    if (full || (!wish.patterns.empty() && std::none_of(wish.patterns.begin(), wish.patterns.end(), wished)))
      return;
    bytes += bytes_of(offer);
    full = out.offers.size() == limits.offers || bytes > limits.answer_bytes;
    if (full)
      leave_out(limits, "more of what is offered",
                "only the first " + std::to_string(out.offers.size()) +
                    " are shown; look into one folder at a time");
    else
      out.offers.push_back(std::move(offer));
  }
};

/// Counts it while it lasts; tells its end, also where it was cancelled.
struct Browsing::Turn {
  Browsing& all;
  std::shared_ptr<Walk> walk;

  ~Turn() {
    --all.all_under_way_;
    if (--all.under_way_[walk->account] == 0) all.under_way_.erase(walk->account);
    walk->ended.notify();
  }
};

Browsing::Browsing(Context& context) : context_(context), tasks_(context.loop, "browsing") {
}

Task<void> Browsing::stop() {
  co_await tasks_.stop();
}

Task<Result<Browsed>> Browsing::browse(AccountId account, proxy::Document document, BrowseWish wish) {
  const BrowseLimits& limits = context_.limits.browse;
  if (all_under_way_ >= limits.at_once || under_way_[account] >= limits.of_account)
    co_return fail(Reason::busy, "other addresses are being looked into", "try again in a moment");
  ++all_under_way_;
  ++under_way_[account];
  auto one = std::make_shared<Walk>(context_.loop, account, std::move(document), std::move(wish));
  tasks_.spawn(walk(one));
  const bool ended = co_await one->ended.wait_for(limits.deadline);
  if (!ended) {
    one->stop.request_stop();
    if (!one->begun) co_return fail(Reason::timeout, "the content server did not answer in time");
    one->leave_out(limits, "folders that were not looked into", "it took too long");
  }
  if (one->failed) co_return fail(std::move(*one->failed));
  if (!one->begun) co_return fail(Reason::cancelled, "the place is about to stop");
  co_return std::move(one->out);
}

Task<void> Browsing::walk(std::shared_ptr<Walk> walk) {
  const Turn turn{*this, walk};
  const BrowseLimits& limits = context_.limits.browse;
  walk->folders.push_back({walk->document.files.at(0).sources.at(0).url, "", 0});
  for (std::size_t looks = 0; !walk->folders.empty() && !walk->full; ++looks) {
    if (looks == limits.pages) {
      walk->leave_out(limits, std::to_string(walk->folders.size()) + " more folders",
                      "only " + std::to_string(limits.pages) + " are looked into at once");
      co_return;
    }
    const Walk::Folder at = std::move(walk->folders.front());
    walk->folders.pop_front();
    JobId id;
    random_bytes(id.bytes.data(), id.bytes.size());
    TransferOrder order = look_order(context_, walk->account, id, walk->document, 0);
    order.known_size.reset();
    if (looks > 0) {
      order.source.url = at.url;
      order.source.request.method = "GET";
      order.source.request.body.reset();
    }
    Ear ear;
    auto result = co_await context_.transfers.browse(std::move(order), ear, walk->stop.get_token());
    const bool good = result.outcome == Outcome::complete && ear.heard;
    if (walk->stop.stop_requested()) co_return;
    if (!good && looks == 0) {
      walk->failed = as_error(result);
      co_return;
    }
    if (!good) {
      walk->leave_out(limits, at.path, as_error(result).message);
      continue;
    }
    if (looks == 0) {
      walk->out.found = ear.heard->found;
      walk->out.title = std::move(ear.heard->title);
      walk->out.url = result.facts.final_url.empty() ? url_for_logs(at.url) : result.facts.final_url;
      const std::string_view base = bare(walk->out.url);
      const bool is_folder = base.ends_with('/');
      walk->below = is_folder ? std::string(base) : std::string(base.substr(0, base.rfind('/') + 1));
      walk->begun = true;
    } else {
      ++walk->out.folders_seen;
    }
    walk->take(limits, std::move(*ear.heard), at);
  }
}

}  // namespace restante::jobs
