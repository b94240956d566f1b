#include "discovery/watch.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace halley::discovery {

Watch::Watch(Instance self, std::string appid, std::vector<std::string> nodes, Draw draw,
             FailureCounts* failures)
    : self_(std::move(self)),
      appid_(std::move(appid)),
      nodes_(std::move(nodes), std::move(draw)),
      failures_(*failures) {}

std::optional<Call> Watch::Next(uint64_t now_ms) {
  if (asking_ || now_ms < not_before_ms_) return std::nullopt;
  asking_ = true;
  asked_ms_ = now_ms;
  if (now_ms >= whole_ms_) {
    latest_ = 0;
    whole_ms_ = now_ms + kWholeEveryMs;
  }
  return PollCall(nodes_.current(), self_, appid_, latest_);
}

bool Watch::Answered(uint64_t now_ms, const Outcome& outcome) {
  HALLEY_ASSERT(asking_);
  asking_ = false;
  std::optional<Failure> failure = outcome.failure;
  if (!failure.has_value()) {
    const std::optional<int64_t> code = ReadCode(outcome.body);
    if (code == kCodeNotModified) {
      nodes_.Succeed();
      not_before_ms_ = asked_ms_ + kApartMs;
      return false;
    }
    if (code == kCodeOk) {
      std::optional<Listing> listing = ReadListing(outcome.body, appid_, self_.zone);
      if (listing.has_value()) return TakeListing(now_ms, *std::move(listing));
    }
    if (!code.has_value() || code == kCodeOk) {
      failure = Failure::kBadAnswer;
    } else {
      failure = code == kCodeNotFound ? Failure::kNotFound : Failure::kRefused;
    }
  }
  OnFailure(now_ms, *failure);
  return false;
}

void Watch::OnFailure(uint64_t now_ms, Failure failure) {
  failures_.Add(failure);
  not_before_ms_ = now_ms + nodes_.Fail();
  nodes_.Switch();
  latest_ = 0;
}

bool Watch::TakeListing(uint64_t now_ms, Listing listing) {
  nodes_.Succeed();
  latest_ = listing.latest;
  not_before_ms_ = std::max(now_ms, asked_ms_ + kApartMs);
  if (listing.addresses.size() > kAddressesMax) {
    listing.left_out += listing.addresses.size() - kAddressesMax;
    listing.addresses.resize(kAddressesMax);
  }
  if (listing.left_out > 0) failures_.Add(Failure::kLeftOut, listing.left_out);
  if (listing.addresses.empty()) {
    failures_.Add(Failure::kEmptyList);
    return false;
  }
  if (listing.addresses == addresses_) return false;
  addresses_ = std::move(listing.addresses);
  return true;
}

}  // namespace halley::discovery
