// SPDX-License-Identifier: Apache-2.0
#include "transfer/content_coding.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <vector>
#include <zlib.h>

namespace restante::transfer {

namespace {

constexpr std::size_t step_bytes = 64 * 1024;
constexpr int zlib_or_gzip = 15 + 32, raw_deflate = -15;  // zlib.h, inflateInit2

bool is_gzip_type(std::string_view type) {
  constexpr std::array<std::string_view, 6> types{"application/gzip",
                                                  "application/x-gzip",
                                                  "application/x-tgz",
                                                  "application/x-compressed-tar",
                                                  "application/x-gtar-compressed",
                                                  "application/gzip-compressed"};
  return std::find(types.begin(), types.end(), type) != types.end();
}

}  // namespace

bool names_gzip(std::string_view name) {
  const std::string lower = ascii_lower(name);
  return lower.ends_with(".gz") || lower.ends_with(".tgz") || lower.ends_with(".svgz") ||
         lower.ends_with(".taz") || lower.ends_with(".cpgz");
}

Coding coding_of(const HeaderBlock& head, bool named_gzip) {
  auto codings = head.tokens("content-encoding");
  std::erase_if(codings, [](const std::string& one) {
    return one == "identity" || one == "none" || one == "utf-8" || one == "binary" || one == "8bit";
  });
  if (codings.empty()) return {};
  if (codings.size() > 1) {
    return {CodingPlan::unknown, std::string(head.first("content-encoding").substr(0, 40))};
  }
  std::string name = codings[0].starts_with("x-") ? codings[0].substr(2) : codings[0];
  if (name != "gzip" && name != "deflate") return {CodingPlan::unknown, name.substr(0, 40)};
  std::string type = ascii_lower(head.first("content-type"));
  type.resize(std::min(type.find(';'), type.size()));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  const bool itself = name == "gzip" && (named_gzip || is_gzip_type(type));
  return {itself ? CodingPlan::keep : CodingPlan::take_off, std::move(name)};
}

struct Decoder::State {
  z_stream stream{};
  bool gzip = false;
  bool begun = false;    ///< bytes of the stream under way were taken
  bool ended = true;     ///< at the end of a stream; an empty body is one
  bool any = false;      ///< anything at all came
  bool padding = false;  ///< only zeros may follow
  bool raw = false;
  std::string head;  ///< of a deflate stream, until its form is known
  std::vector<char> out = std::vector<char>(step_bytes);

  void begin() {
    if (begun) ::inflateEnd(&stream);
    stream = {};
    ::inflateInit2(&stream, raw ? raw_deflate : zlib_or_gzip);
    begun = true;
    ended = false;
  }
  ~State() {
    if (begun) ::inflateEnd(&stream);
  }
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Decoder::Decoder(std::string_view name, Limits limits) : state_(std::make_unique<State>()), limits_(limits) {
  state_->gzip = name == "gzip";
}

Decoder::~Decoder() = default;

bool Decoder::at_end() const {
  return state_->ended && state_->head.empty();
}

Result<void> Decoder::add(std::string_view coded, const Sink& sink) {
  coded_ += coded.size();
  State& at = *state_;
  std::string_view rest = coded;
  std::string beginning;
  if (!at.gzip && !at.any) {
    // "deflate" is zlib (RFC 9110 §8.4.1.2); some send the bare stream. Two bytes tell (RFC 1950 §2.2).
    at.head += coded;
    if (at.head.size() < 2) return {};
    const auto first = static_cast<unsigned char>(at.head[0]),
               second = static_cast<unsigned char>(at.head[1]);
    at.raw = (first & 0x0f) != 8 || (first * 256U + second) % 31 != 0;
    at.any = true;
    beginning = std::exchange(at.head, {});
    rest = beginning;
    at.begin();
  }
  while (!rest.empty()) {
    if (at.ended) {
      if (!at.any) {
        at.any = true;
      } else if (!at.gzip || at.padding || rest.front() == '\0') {
        // gzip files may be padded with zeros; another member may follow at once (RFC 1952 §2.2).
        at.padding = true;
        if (at.gzip && rest.find_first_not_of('\0') == std::string_view::npos) return {};
        return fail(Reason::decode, "something follows the end of the coded content");
      }
      at.begin();
    }
    if (auto done = inflate_some(rest, sink); !done) return done;
  }
  return {};
}

Result<void> Decoder::inflate_some(std::string_view& rest, const Sink& sink) {
  State& at = *state_;
  z_stream& stream = at.stream;
  const std::size_t piece = std::min<std::size_t>(rest.size(), 1U << 20);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
  stream.avail_in = static_cast<uInt>(piece);
  do {
    stream.next_out = reinterpret_cast<Bytef*>(at.out.data());
    stream.avail_out = static_cast<uInt>(at.out.size());
    const int code = ::inflate(&stream, Z_NO_FLUSH);
    const std::size_t count = at.out.size() - stream.avail_out;
    decoded_ += count;
    if (decoded_ > limits_.free_bytes && decoded_ / limits_.ratio > coded_) {
      return fail(Reason::decode, "more than " + std::to_string(limits_.ratio) +
                                      " times as much comes out as went in: a decompression bomb");
    }
    if (count > 0) {
      if (auto done = sink({at.out.data(), count}); !done) return done;
    }
    if (code == Z_STREAM_END) {
      at.ended = true;
      break;
    }
    if (code == Z_BUF_ERROR) break;  // nothing more to be had from what is here
    if (code != Z_OK) {
      const std::string why = stream.msg != nullptr ? stream.msg : "it cannot be understood";
      return fail(Reason::decode, "the coded content is broken: " + why);
    }
  } while (stream.avail_in > 0 || stream.avail_out == 0);
  rest.remove_prefix(piece - stream.avail_in);
  return {};
}

}  // namespace restante::transfer
