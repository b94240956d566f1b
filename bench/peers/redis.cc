// Redis pub/sub: RESP2 arrays of bulk strings.
#include <charconv>

#include "absl/strings/str_cat.h"
#include "peers/peers.h"

namespace halley::peers {
namespace {

using wire::DecodeStatus;

std::string Bulk(std::string_view text) {
  return absl::StrCat("$", text.size(), "\r\n", View(text), "\r\n");
}

// Takes a line "<type><number>\r\n".
DecodeStatus TakeNumber(std::string_view bytes, char type, int64_t* number, size_t* used) {
  if (bytes.empty()) return DecodeStatus::kMore;
  if (bytes[0] != type) return DecodeStatus::kBad;
  const size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos) {
    return bytes.size() < 32 ? DecodeStatus::kMore : DecodeStatus::kBad;
  }
  const auto [stop, error] = std::from_chars(bytes.data() + 1, bytes.data() + end, *number);
  if (error != std::errc() || stop != bytes.data() + end) return DecodeStatus::kBad;
  *used = end + 2;
  return DecodeStatus::kDone;
}

DecodeStatus TakeBulk(std::string_view bytes, std::string_view* text, size_t* used) {
  int64_t size = 0;
  size_t head = 0;
  const DecodeStatus status = TakeNumber(bytes, '$', &size, &head);
  if (status != DecodeStatus::kDone) return status;
  if (size < 0 || size > (1 << 20)) return DecodeStatus::kBad;
  if (bytes.size() < head + static_cast<size_t>(size) + 2) return DecodeStatus::kMore;
  *text = bytes.substr(head, static_cast<size_t>(size));
  *used = head + static_cast<size_t>(size) + 2;
  return DecodeStatus::kDone;
}

class Redis final : public load::Protocol {
 public:
  void Greet(uint32_t, std::string* out) override {
    absl::StrAppend(out, "*2\r\n", Bulk("SUBSCRIBE"), Bulk(kChannel));
  }

  // "subscribe", channel, count; or "message", channel, body.
  DecodeStatus Hear(uint32_t, uint8_t*, std::string_view bytes, load::Ears* ears,
                    size_t* used) override {
    int64_t parts = 0;
    size_t at = 0;
    DecodeStatus status = TakeNumber(bytes, '*', &parts, &at);
    if (status != DecodeStatus::kDone) return status;
    if (parts != 3) return DecodeStatus::kBad;
    std::string_view kind;
    std::string_view channel;
    for (std::string_view* text : {&kind, &channel}) {
      size_t step = 0;
      status = TakeBulk(bytes.substr(at), text, &step);
      if (status != DecodeStatus::kDone) return status;
      at += step;
    }
    size_t step = 0;
    std::string_view body;
    int64_t count = 0;
    const bool message = kind == "message";
    status = message ? TakeBulk(bytes.substr(at), &body, &step)
                     : TakeNumber(bytes.substr(at), ':', &count, &step);
    if (status != DecodeStatus::kDone) return status;
    *used = at + step;
    if (message) {
      ears->OnPush(body);
    } else if (kind == "subscribe") {
      ears->OnLoggedIn();
    } else {
      ears->OnForeign();
    }
    return DecodeStatus::kDone;
  }

  void AppendHeartbeat(std::string*) override {}
  void AppendRoomChange(const std::string&, std::string*) override {}
};

class Pushes final : public Dialogue {
 public:
  void AppendPush(std::string_view body, std::string* out) override {
    absl::StrAppend(out, "*3\r\n", Bulk("PUBLISH"), Bulk(kChannel), Bulk(body));
  }

  DecodeStatus TakeAnswer(std::string_view bytes, Answer* answer, std::string*,
                          size_t* used) override {
    int64_t count = 0;
    const DecodeStatus status = TakeNumber(bytes, ':', &count, used);
    if (status != DecodeStatus::kDone) return status;
    *answer = {Answer::kPushed, static_cast<uint64_t>(count)};
    return status;
  }

  bool tells_taken() const override { return true; }
};

}  // namespace

std::unique_ptr<load::Protocol> OpenRedis() { return std::make_unique<Redis>(); }
std::unique_ptr<Dialogue> RedisPushes() { return std::make_unique<Pushes>(); }

}  // namespace halley::peers
