#include "hub/everyone.h"

#include <algorithm>

#include "base/assert.h"

namespace halley::hub {

bool AcceptSet::Contains(int32_t op) const {
  return every || std::binary_search(ops.begin(), ops.end(), op);
}

uint32_t Everyone::Take(std::vector<int32_t> ops) {
  std::sort(ops.begin(), ops.end());
  ops.erase(std::unique(ops.begin(), ops.end()), ops.end());
  const auto found = numbers_.find(ops);
  if (found != numbers_.end()) {
    ++sets_[found->second].channels;
    return found->second;
  }
  const uint32_t number = Make();
  sets_[number].ops = ops;
  numbers_.emplace(std::move(ops), number);
  return number;
}

uint32_t Everyone::TakeEvery() {
  if (every_ == kNone) {
    every_ = Make();
    sets_[every_].every = true;
  } else {
    ++sets_[every_].channels;
  }
  return every_;
}

uint32_t Everyone::Make() {
  const uint32_t number = sets_.Take();
  AcceptSet& set = sets_[number];
  set.channels = 1;
  set.laned = laned_sets_.size() < laned_max_;
  if (set.laned) laned_sets_.push_back(number);
  return number;
}

void Everyone::Give(uint32_t number) {
  AcceptSet& set = sets_[number];
  HALLEY_ASSERT(set.channels > 0);
  if (--set.channels > 0) return;
  HALLEY_ASSERT(set.lanes.empty());
  if (set.every) {
    set.every = false;
    every_ = kNone;
  } else {
    numbers_.erase(set.ops);
    set.ops.clear();
  }
  if (set.laned) laned_sets_.erase(std::find(laned_sets_.begin(), laned_sets_.end(), number));
  sets_.Give(number);
}

}  // namespace halley::hub
