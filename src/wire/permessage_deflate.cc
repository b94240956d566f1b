#include "wire/permessage_deflate.h"

#include <zlib.h>

#include <memory>
#include <optional>

#include "base/assert.h"
#include "wire/http_text.h"

namespace halley::wire {
namespace {

// What a sync flush ends with, and a message leaves out (RFC 7692 7.2.1).
constexpr std::string_view kTail("\x00\x00\xff\xff", 4);

// Messages are short: the hash table of level 6 (a fortieth of zlib's own default) is cleared for
// each of them.
constexpr int kMemoryLevel = 6;

class Deflater {
 public:
  Deflater() {
    const int made = deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, -kDeflateWindowBits,
                                  kMemoryLevel, Z_DEFAULT_STRATEGY);
    HALLEY_ASSERT(made == Z_OK && "no memory for a compressor");
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() { deflateEnd(&stream_); }

  void Message(absl::Span<const std::string_view> parts, std::string* out) {
    deflateReset(&stream_);
    for (const std::string_view part : parts) Feed(part, Z_NO_FLUSH, out);
    Feed({}, Z_SYNC_FLUSH, out);
    HALLEY_ASSERT(out->ends_with(kTail));
    out->resize(out->size() - kTail.size());
  }

 private:
  void Feed(std::string_view bytes, int flush, std::string* out) {
    char room[4096];
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(room);
      stream_.avail_out = sizeof room;
      const int result = deflate(&stream_, flush);
      HALLEY_ASSERT(result == Z_OK || result == Z_BUF_ERROR);
      out->append(room, sizeof room - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  z_stream stream_{};
};

class Inflater {
 public:
  Inflater() {
    const int made = inflateInit2(&stream_, -MAX_WBITS);
    HALLEY_ASSERT(made == Z_OK && "no memory for a decompressor");
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  InflateStatus Message(std::string_view payload, size_t bytes_max, std::string_view* message) {
    if (capacity_ <= bytes_max) {
      capacity_ = bytes_max + 1;
      bytes_ = std::make_unique<char[]>(capacity_);
    }
    inflateReset(&stream_);
    stream_.next_out = reinterpret_cast<Bytef*>(bytes_.get());
    // One more than may come out shows that it is too much.
    stream_.avail_out = static_cast<uInt>(bytes_max + 1);
    if (!Feed(payload) || !Feed(kTail)) return InflateStatus::kBad;
    if (stream_.avail_out == 0) return InflateStatus::kTooBig;
    // It must end where a block ends: what was cut short is not a message.
    constexpr int kBetweenBlocks = 128;
    if ((stream_.data_type & kBetweenBlocks) == 0) return InflateStatus::kBad;
    *message = {bytes_.get(), bytes_max + 1 - stream_.avail_out};
    return InflateStatus::kDone;
  }

 private:
  bool Feed(std::string_view bytes) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    while (stream_.avail_in > 0 && stream_.avail_out > 0) {
      const int result = inflate(&stream_, Z_SYNC_FLUSH);
      if (result == Z_STREAM_END) {
        // A final block, with others behind it (RFC 7692 7.2.3.4).
        inflateReset(&stream_);
      } else if (result != Z_OK) {
        return false;
      }
    }
    return true;
  }

  z_stream stream_{};
  size_t capacity_ = 0;
  std::unique_ptr<char[]> bytes_;
};

// A parameter's value as decimal digits without a leading zero, 8 to 15 (RFC 7692 7.1.2).
std::optional<int> WindowBits(std::string_view text) {
  if (text.size() == 1 && (text == "8" || text == "9")) return text[0] - '0';
  if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') {
    return 10 + (text[1] - '0');
  }
  return std::nullopt;
}

// One offer, "permessage-deflate; a; b=c".
std::optional<DeflateAgreement> TakeOffer(std::string_view offer) {
  if (!Is(TakeItem(&offer, ';'), "permessage-deflate")) return std::nullopt;
  DeflateAgreement agreement{.agreed = true};
  bool server_takeover = false, client_takeover = false, client_window = false;
  while (!offer.empty()) {
    std::string_view value = TakeItem(&offer, ';');
    const bool has_value = value.find('=') != std::string_view::npos;
    const std::string_view name = TakeItem(&value, '=');
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    bool* seen = nullptr;
    bool good = !has_value;
    if (Is(name, "server_no_context_takeover")) {
      seen = &server_takeover;
    } else if (Is(name, "client_no_context_takeover")) {
      seen = &client_takeover;
    } else if (Is(name, "client_max_window_bits")) {
      // Whatever it compresses with: the largest window is held here while it is inflated.
      seen = &client_window;
      good = !has_value || WindowBits(value).has_value();
    } else if (Is(name, "server_max_window_bits")) {
      seen = &agreement.window_offered;
      good = has_value && WindowBits(value).value_or(0) >= kDeflateWindowBits;
    }
    if (seen == nullptr || *seen || !good) return std::nullopt;
    *seen = true;
  }
  return agreement;
}

}  // namespace

DeflateAgreement AgreeOnDeflate(std::string_view offers) {
  while (!offers.empty()) {
    if (const auto agreement = TakeOffer(TakeItem(&offers, ','))) return *agreement;
  }
  return {};
}

void AppendDeflateAnswer(const DeflateAgreement& agreement, std::string* out) {
  out->append("permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  if (!agreement.window_offered) return;
  out->append("; server_max_window_bits=").append(std::to_string(kDeflateWindowBits));
}

void DeflateMessage(absl::Span<const std::string_view> parts, std::string* out) {
  thread_local Deflater deflater;
  deflater.Message(parts, out);
}

InflateStatus InflateMessage(std::string_view payload, size_t bytes_max,
                             std::string_view* message) {
  thread_local Inflater inflater;
  return inflater.Message(payload, bytes_max, message);
}

}  // namespace halley::wire
