// LaneWorld: one lane with members that remember every byte they got, and the stream it should be.
//
// Each member has a place in the stream: the next byte it must get. What it is sent must be the
// bytes from there; only what the lane lets go may move the place on, from one message boundary to
// another. Failures are reported to GoogleTest.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "hub/lane.h"

namespace halley::hub {

class LaneWorld final : public LaneEvents {
 public:
  // How many of `bytes` the client in this slot takes; negative: its connection broke.
  using Take = std::function<int32_t(uint32_t slot, uint64_t bytes)>;
  static int32_t All(uint32_t, uint64_t bytes) { return static_cast<int32_t>(bytes); }

  explicit LaneWorld(const LaneLimits& lane_limits = {}) : limits(lane_limits) {
    channels.Reach(2000);
    lane = std::make_unique<Lane>(wire::Encoding::kGoimTcp, nullptr, limits, shared);
  }
  ~LaneWorld() override {
    while (!places.empty()) Leave(places.begin()->first);
    EXPECT_EQ(pages.in_use_bytes(), 0u);
    EXPECT_EQ(cursors.in_use(), 0u);
    EXPECT_EQ(flows.in_use(), 0u);
  }

  void Join(uint32_t slot) {
    channels[slot].memberships.push_back({lane.get(), kNone});
    channels[slot].held = false;
    lane->Join({static_cast<int32_t>(slot) + 100, slot, 1, kInSync});
    places[slot] = stream.size();
    Check();
  }
  // Returns how many messages it had yet to get.
  uint64_t Leave(uint32_t slot) {
    const uint64_t begin = Begin();
    const uint64_t head = lane->log().head().seq;
    const LogPosition position = lane->Leave(Index(slot));
    channels[slot].memberships.clear();
    EXPECT_EQ(begin + position.offset, places[slot]);
    places.erase(slot);
    behind.erase(slot);
    blocked.erase(slot);
    left_behind += head - position.seq;
    Check();
    return head - position.seq;
  }
  void Append(const std::string& text, uint64_t now_ms = 0, uint32_t pace = 0) {
    Begin();
    const size_t split = text.size() / 3;
    lane->Append(text.substr(0, split), text.substr(split), now_ms, pace);
    stream += text;
    ends.insert(stream.size());
    Check();
  }

  // Sends the next slice; returns the slots it went to.
  std::vector<uint32_t> SendSlice(size_t sends, const Take& take = All, uint64_t now_ns = 0) {
    const Slice slice = lane->NextSlice(sends, now_ns, *this);
    EXPECT_LE(slice.targets.size(), sends);
    std::vector<uint32_t> slots;
    std::vector<base::SendException> exceptions;
    std::string bytes;
    for (const iovec& part : slice.span) {
      bytes.append(static_cast<const char*>(part.iov_base), part.iov_len);
    }
    for (uint32_t i = 0; i < slice.targets.size(); ++i) {
      const uint32_t slot = slice.targets[i].slot;
      slots.push_back(slot);
      EXPECT_EQ(slice.targets[i].fd, static_cast<int32_t>(slot) + 100);
      EXPECT_EQ(slice.targets[i].cursor, kInSync);
      EXPECT_EQ(blocked.count(slot), 0u);
      const int32_t taken = take(slot, bytes.size());
      Receive(slot, std::string_view(bytes).substr(0, static_cast<size_t>(std::max(taken, 0))));
      if (taken < static_cast<int32_t>(bytes.size())) exceptions.push_back({i, taken});
    }
    if (slots.empty()) return slots;
    std::vector<uint32_t> full;
    lane->CompleteSlice(exceptions, &full);
    EXPECT_EQ(full.size(), exceptions.size());
    for (const uint32_t slot : full) {
      channels[slot].held = true;
      EXPECT_TRUE(blocked.insert(slot).second);
    }
    Check();
    return slots;
  }
  void SendAll(size_t sends = 4) {
    while (!SendSlice(sends).empty()) continue;
  }

  // Sends a lagging member what it lacks, as the hub would: at most `bytes_max`. When it is not
  // within a message afterwards it tries to rejoin.
  void CatchUp(uint32_t slot, uint64_t bytes_max = UINT64_MAX) {
    blocked.erase(slot);
    behind.erase(slot);
    if (!lane->InSync(Index(slot))) {
      const uint64_t from = lane->PositionOf(Index(slot)).offset;
      // One that came while something was unsent may be ahead.
      const uint64_t to = std::max(from, lane->Target().offset);
      const uint64_t bytes = std::min(bytes_max, to - from);
      Receive(slot, Gathered(from, from + bytes));
      lane->AdvanceCursor(Index(slot), bytes);
    }
    channels[slot].held = lane->Torn(Index(slot));
    if (!channels[slot].held) lane->TryRejoin(Index(slot), *this);
    Check();
  }
  void MakeLagging(uint32_t slot) {
    channels[slot].held = true;
    lane->MakeLagging(Index(slot));
    Check();
  }
  void Enforce(uint64_t now_ms) {
    lane->Enforce(now_ms, *this);
    for (auto& [slot, place] : places) {
      const uint64_t now_at = Place(slot);
      if (now_at == place) continue;
      EXPECT_GT(now_at, place) << "slot " << slot;
      EXPECT_TRUE(Boundary(place) && Boundary(now_at)) << "slot " << slot;
      place = now_at;
    }
    Check();
  }

  // Where in the stream the lane's log begins: it starts anew after every quiet.
  uint64_t Begin() {
    if (flows.in_use() == 0) begin_ = stream.size();
    return begin_;
  }
  uint64_t Place(uint32_t slot) { return Begin() + lane->PositionOf(Index(slot)).offset; }
  uint32_t Index(uint32_t slot) const { return channels[slot].memberships.front().index; }
  bool InSync(uint32_t slot) const { return lane->InSync(Index(slot)); }
  bool HasAll(uint32_t slot) const { return places.at(slot) == stream.size(); }
  uint64_t skipped() const {
    return books.skipped[static_cast<size_t>(SkipReason::kOverflow)] +
           books.skipped[static_cast<size_t>(SkipReason::kMemory)];
  }
  bool Boundary(uint64_t offset) const { return offset == 0 || ends.count(offset) > 0; }

  std::string Gathered(uint64_t from, uint64_t to) const {
    std::string bytes;
    while (from < to) {
      iovec part;
      lane->log().Span(from, to, &part, 1, &from);
      bytes.append(static_cast<const char*>(part.iov_base), part.iov_len);
    }
    return bytes;
  }

  void Receive(uint32_t slot, std::string_view bytes) {
    uint64_t& place = places.at(slot);
    EXPECT_EQ(bytes, std::string_view(stream).substr(place, bytes.size())) << "slot " << slot;
    place += bytes.size();
  }

  void Check() {
    for (const auto& [slot, place] : places) {
      EXPECT_EQ(Place(slot), place) << "slot " << slot;
      EXPECT_EQ(lane->Torn(Index(slot)), !InSync(slot) && !Boundary(place)) << "slot " << slot;
      EXPECT_GE(place, Begin() + lane->log().MessageStart(lane->log().tail().seq));
    }
    EXPECT_EQ(lane->members(), places.size());
    EXPECT_EQ(cursors.in_use(), lane->lagging());
    EXPECT_EQ(books.expected, books.delivered + skipped() + lane->CountPending() + left_behind +
                                  remainders.size());
  }

  // LaneEvents
  void OnRemainder(uint32_t slot, std::string_view bytes, bool first, uint32_t) override {
    if (first) remainders.emplace_back();
    remainders.back() += bytes;
    Receive(slot, bytes);
  }
  void OnTooSlow(uint32_t slot) override { too_slow.push_back(slot); }
  void OnBehind(uint32_t slot) override { behind.insert(slot); }

  LaneLimits limits;
  ChannelTable channels;
  base::Pool<Cursor> cursors;
  FlowPool flows;
  const Flow quiet;
  PagePool pages;
  Accounting books;
  Receipts receipts;
  Pressure pressure;
  iovec slice_parts[kSpanPartsMax];
  std::vector<uint64_t> sent;
  const LaneShared shared{&channels, &cursors, &flows, &quiet, &pages, &books, &receipts, &pressure, &sent,
                          slice_parts};
  std::unique_ptr<Lane> lane;
  std::string stream;              // all that was ever appended
  std::set<uint64_t> ends;         // of its messages
  std::map<uint32_t, uint64_t> places;  // by slot
  std::set<uint32_t> blocked;
  std::set<uint32_t> behind;       // told to be, and not served since
  std::vector<uint32_t> too_slow;
  std::vector<std::string> remainders;
  uint64_t left_behind = 0;        // messages that were unsent to those who left

 private:
  uint64_t begin_ = 0;
};

}  // namespace halley::hub
