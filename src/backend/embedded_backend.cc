#include "backend/embedded_backend.h"

#include <simdjson.h>
#include <sys/random.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace halley::backend {
namespace {

void KernelEntropy(absl::Span<char> out) {
  while (!out.empty()) {
    const ssize_t drawn = getrandom(out.data(), out.size(), 0);
    if (drawn < 0 && errno == EINTR) continue;
    // getrandom(2): nothing else fails once the kernel has booted.
    HALLEY_ASSERT(drawn > 0);
    out.remove_prefix(static_cast<size_t>(drawn));
  }
}

// A token nests no deeper in what it means, and little deeper in what is ignored.
constexpr size_t kDepthMax = 64;

struct Token {
  int64_t mid = 0;
  std::string_view key;
  std::string_view room;
  std::vector<int32_t> accepts;
};

bool ReadOps(simdjson::dom::element value, std::vector<int32_t>* ops) {
  simdjson::dom::array list;
  if (value.get(list) != simdjson::SUCCESS) return false;
  ops->clear();
  for (const simdjson::dom::element item : list) {
    int64_t op = 0;
    if (item.get(op) != simdjson::SUCCESS) return false;
    if (op < std::numeric_limits<int32_t>::min() || op > std::numeric_limits<int32_t>::max()) {
      return false;
    }
    ops->push_back(static_cast<int32_t>(op));
  }
  return true;
}

// False: a value of another type than goim's. Of a name that comes twice the last value counts, and
// null is as good as nothing; both as in Go's encoding/json, which goim uses.
bool ReadToken(simdjson::dom::object fields, Token* token) {
  for (const simdjson::dom::key_value_pair& field : fields) {
    if (field.value.is_null()) continue;
    bool good = true;
    std::string_view unused;
    if (field.key == "mid") {
      good = field.value.get(token->mid) == simdjson::SUCCESS;
    } else if (field.key == "key") {
      good = field.value.get(token->key) == simdjson::SUCCESS;
    } else if (field.key == "room_id") {
      good = field.value.get(token->room) == simdjson::SUCCESS;
    } else if (field.key == "accepts") {
      good = ReadOps(field.value, &token->accepts);
    } else if (field.key == "platform") {
      good = field.value.get(unused) == simdjson::SUCCESS;
    }
    if (!good) return false;
  }
  return true;
}

// goim v1's logic/auth.go: the whole of the token is a decimal number.
bool ReadMid(std::string_view text, Token* token) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, token->mid);
  token->room = "1";
  return error == std::errc() && stop == end;
}

}  // namespace

// Keeps its memory from token to token.
struct EmbeddedBackend::Json {
  simdjson::dom::parser parser;
};

EmbeddedBackend::EmbeddedBackend(const config::ClientOptions& limits)
    : EmbeddedBackend(limits, KernelEntropy) {}

EmbeddedBackend::EmbeddedBackend(const config::ClientOptions& limits, Entropy entropy)
    : limits_(limits), entropy_(std::move(entropy)), json_(std::make_unique<Json>()) {
  const auto error = json_->parser.allocate(simdjson::dom::MINIMAL_DOCUMENT_CAPACITY, kDepthMax);
  HALLEY_ASSERT(error == simdjson::SUCCESS);
}

EmbeddedBackend::~EmbeddedBackend() = default;

void EmbeddedBackend::Connect(const ConnectRequest& request, BackendSink& sink) {
  sink.OnConnectReply(request.ticket, Decide(request.token));
}

ConnectReply EmbeddedBackend::Decide(std::string_view text) {
  ConnectReply reply;
  Token token;
  simdjson::dom::object fields;
  if (!ReadMid(text, &token)) {
    token = {};
    const auto parsed = json_->parser.parse(text.data(), text.size());
    if (parsed.get(fields) != simdjson::SUCCESS || !ReadToken(fields, &token)) return reply;
  }
  if (token.key.size() > limits_.key_bytes) return reply;
  if (token.room.size() > limits_.room_id_bytes) return reply;
  if (token.accepts.size() > limits_.ops) return reply;
  reply.verdict = ConnectVerdict::kAccepted;
  reply.mid = token.mid;
  reply.key = token.key.empty() ? NextUuid() : std::string(token.key);
  reply.room = token.room;
  reply.accepts = std::move(token.accepts);
  return reply;
}

std::string EmbeddedBackend::NextUuid() {
  if (pool_used_ == pool_.size()) {
    entropy_(absl::MakeSpan(pool_));
    pool_used_ = 0;
  }
  char* bytes = pool_.data() + pool_used_;
  pool_used_ += kUuidBytes;
  // RFC 4122 4.4: version 4, variant 10.
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);

  std::string uuid;
  uuid.reserve(36);
  for (size_t i = 0; i < kUuidBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) uuid += '-';
    const auto byte = static_cast<uint8_t>(bytes[i]);
    uuid += "0123456789abcdef"[byte >> 4];
    uuid += "0123456789abcdef"[byte & 15];
  }
  return uuid;
}

}  // namespace halley::backend
