#include "halley-load/plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/assert.h"
#include "halley-load/signed_token.h"

namespace halley::load {
namespace {

constexpr absl::Duration kTokenLife = absl::Hours(24);

uint32_t TargetsCount(const LoadOptions& options) {
  switch (options.to) {
    case To::kRoom: return std::max(options.rooms, 1u);
    case To::kAll: return 1;
    case To::kKey: return (options.clients + options.batch - 1) / options.batch;
    case To::kMid: return options.mids;
  }
  HALLEY_ASSERT(false);
}

std::string Drawn(uint32_t run) { return absl::StrCat(absl::Hex(run, absl::kZeroPad8)); }

}  // namespace

Plan::Plan(const LoadOptions& options, uint32_t run)
    : options_(options), run_(run), members_(TargetsCount(options)) {
  sent_ = std::make_unique<std::atomic<uint32_t>[]>(members_.size() * options.pushers);
  for (uint32_t client = 0; client < options.clients; ++client) {
    if (!Stalled(client)) ++members_[TargetOf(client)];
  }
}

std::string Plan::Key(uint32_t client) const {
  if (!options_.key_prefix.empty()) return absl::StrCat(options_.key_prefix, client);
  return absl::StrCat("load-", Drawn(run_), "-", client);
}

std::string Plan::Room(uint32_t room) const {
  if (options_.rooms == 0) return "";
  if (!options_.room_prefix.empty()) return absl::StrCat(options_.room_prefix, room);
  return absl::StrCat("load://", Drawn(run_), "-", room);
}

std::string Plan::TokenOf(uint32_t client) const {
  const std::string room = options_.rooms == 0 ? "" : Room(client % options_.rooms);
  const int64_t mid = Mid(client % options_.mids);
  if (options_.jwt_secret.empty()) return Token(mid, Key(client), room, options_.accepts);
  const int64_t expires_s = absl::ToUnixSeconds(absl::Now() + kTokenLife);
  return SignedToken(mid, Key(client), room, options_.accepts, expires_s, options_.jwt_secret);
}

uint32_t Plan::TargetOf(uint32_t client) const {
  switch (options_.to) {
    case To::kRoom: return client % static_cast<uint32_t>(members_.size());
    case To::kAll: return 0;
    case To::kKey: return client / options_.batch;
    case To::kMid: return client % options_.mids;
  }
  HALLEY_ASSERT(false);
}

std::vector<std::string> Plan::KeysOf(uint32_t target) const {
  const uint32_t begin = target * options_.batch;
  const uint32_t end = std::min(begin + options_.batch, options_.clients);
  std::vector<std::string> keys;
  for (uint32_t client = begin; client < end; ++client) keys.push_back(Key(client));
  return keys;
}

bool Plan::Stalled(uint32_t client) const {
  // Mixed, so that the stalled ones are spread over rooms and threads whatever their numbers are.
  uint64_t mixed = (client + options_.seed * 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd;
  mixed = (mixed ^ mixed >> 32) * 0xc4ceb9fe1a85ec53;
  return (mixed >> 33) % 100 < options_.stalled;
}

void Plan::ReadSent(uint32_t target, std::vector<uint32_t>* sent) const {
  sent->resize(options_.pushers);
  for (uint32_t pusher = 0; pusher < options_.pushers; ++pusher) {
    (*sent)[pusher] = sent_[Cell(pusher, target)].load(std::memory_order_seq_cst);
  }
}

}  // namespace halley::load
