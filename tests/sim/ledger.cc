#include "sim/ledger.h"

#include <algorithm>
#include <cstring>

#include "sim/frames.h"

namespace halley::sim {
namespace {

constexpr uint32_t kMagic = 0x48614c79;

struct Name {
  uint32_t magic;
  uint32_t id;
  uint16_t part;
  uint16_t parts;
  uint32_t bytes;
};
static_assert(sizeof(Name) == Ledger::kNameBytes);

char Filler(uint32_t id, uint16_t part, size_t at) {
  return static_cast<char>(id * 31 + part * 7u + at * 13 + (at >> 8));
}

}  // namespace

std::string Ledger::FrameBody(const Message& message, uint16_t part) {
  std::string body(std::max(message.body_bytes, kNameBytes), '\0');
  const Name name{kMagic, message.id, part, message.parts, static_cast<uint32_t>(body.size())};
  std::memcpy(body.data(), &name, sizeof name);
  for (size_t at = kNameBytes; at < body.size(); ++at) body[at] = Filler(message.id, part, at);
  return body;
}

std::string Ledger::PushBody(const Message& message) {
  if (!message.batch()) return FrameBody(message, 0);
  std::string body;
  for (uint16_t part = 0; part < message.parts; ++part) {
    body += GoimFrame({message.op, 0, 1, FrameBody(message, part)});
  }
  return body;
}

bool Ledger::Read(std::string_view body, Named* named) const {
  Name name;
  if (body.size() < sizeof name) return false;
  std::memcpy(&name, body.data(), sizeof name);
  if (name.magic != kMagic || name.id >= messages_.size() || name.bytes != body.size()) return false;
  const Message& message = messages_[name.id];
  if (name.parts != message.parts || name.part >= name.parts) return false;
  for (size_t at = kNameBytes; at < body.size(); ++at) {
    if (body[at] != Filler(name.id, name.part, at)) return false;
  }
  *named = {name.id, name.part, name.parts};
  return true;
}

uint64_t Ledger::TakenSum() const {
  uint64_t sum = 0;
  for (const Message& message : messages_) sum += message.taken;
  return sum;
}

bool Ledger::AllReplied() const {
  return std::all_of(messages_.begin(), messages_.end(),
                     [](const Message& message) { return message.replied(); });
}

}  // namespace halley::sim
