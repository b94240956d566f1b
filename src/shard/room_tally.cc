#include "shard/room_tally.h"

#include <algorithm>
#include <iterator>

#include "base/assert.h"

namespace halley::shard {

bool RoomTally::Earlier::operator()(const RoomCount& a, const RoomCount& b) const {
  if (order == RoomOrder::kMembers && a.members != b.members) return a.members > b.members;
  return a.room < b.room;
}

void RoomTally::Add(std::vector<BucketRooms> found) {
  HALLEY_ASSERT(found_.empty() || found_.front().size() == found.size());
  found_.push_back(std::move(found));
}

absl::Span<const RoomCount> RoomTally::Advance(size_t steps) {
  LetGo();
  while (steps > 0 && phase_ != Phase::kDone) {
    switch (phase_) {
      case Phase::kSum: Sum(&steps); break;
      case Phase::kTake: Take(&steps); break;
      case Phase::kList: List(&steps); break;
      case Phase::kDone: break;
    }
  }
  return listed_;
}

void RoomTally::Abandon() {
  listed_.clear();
  summed_.clear();
  kept_.clear();
  found_.clear();
  phase_ = Phase::kDone;
}

void RoomTally::LetGo() {
  listed_.clear();
  kept_.erase(kept_.begin(), std::next(kept_.begin(), static_cast<ptrdiff_t>(listed_of_kept_)));
  listed_of_kept_ = 0;
  for (; let_go_ < bucket_; ++let_go_) {
    for (std::vector<BucketRooms>& of_shard : found_) of_shard[let_go_] = {};
  }
}

void RoomTally::Sum(size_t* steps) {
  while (*steps > 0) {
    if (found_.empty() || bucket_ == found_.front().size()) {
      phase_ = order_ == RoomOrder::kNone ? Phase::kDone : Phase::kList;
      return;
    }
    const BucketRooms& rooms = found_[shard_][bucket_];
    const size_t end = next_ + std::min(rooms.size() - next_, *steps);
    *steps -= end - next_;
    for (; next_ < end; ++next_) {
      const RoomCount room = rooms[next_];
      const auto [place, fresh] = places_.try_emplace(room.room, summed_.size());
      if (fresh) {
        summed_.push_back(room);
      } else {
        summed_[place->second].members += room.members;
      }
    }
    if (*steps == 0) return;
    --*steps;
    next_ = 0;
    if (++shard_ == found_.size()) {
      EndSum();
      return;
    }
  }
}

void RoomTally::EndSum() {
  places_.clear();
  shard_ = 0;
  total_ += summed_.size();
  phase_ = Phase::kTake;
}

void RoomTally::Take(size_t* steps) {
  for (; next_ < summed_.size(); ++next_) {
    if (*steps == 0) return;
    --*steps;
    const RoomCount& room = summed_[next_];
    if (order_ != RoomOrder::kNone) {
      Keep(room);
    } else if (listed_count_ < limit_) {
      ++listed_count_;
      listed_.push_back(room);
    }
  }
  EndTake();
}

void RoomTally::EndTake() {
  summed_.clear();
  next_ = 0;
  ++bucket_;
  phase_ = Phase::kSum;
}

void RoomTally::Keep(const RoomCount& room) {
  if (limit_ == 0) return;
  if (kept_.size() == limit_) {
    const auto last = std::prev(kept_.end());
    if (!kept_.key_comp()(room, {last->room, last->members})) return;
    kept_.erase(last);
  }
  kept_.insert(Kept{std::string(room.room), room.members});
}

void RoomTally::List(size_t* steps) {
  listed_of_kept_ = std::min(kept_.size(), *steps);
  *steps -= listed_of_kept_;
  auto kept = kept_.begin();
  for (size_t i = 0; i < listed_of_kept_; ++i, ++kept) listed_.push_back({kept->room, kept->members});
  if (listed_of_kept_ == kept_.size()) phase_ = Phase::kDone;
}

}  // namespace halley::shard
