// RingTest: a test of what io/ring.h promises, which runs on every kind of ring.
//
// A suite of its own derives from it and is instantiated with kRingKinds, or with kSendingKinds
// where it is about sends.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/epoll_ring.h"
#include "io/uring_ring.h"

namespace halley::io::testing {

enum class RingKind {
  kUring,
  kUringCounting,  // decides its sends by counting successes
  kEpoll,
};

inline constexpr RingKind kRingKinds[] = {RingKind::kUring, RingKind::kEpoll};
inline constexpr RingKind kSendingKinds[] = {RingKind::kUring, RingKind::kUringCounting,
                                             RingKind::kEpoll};

inline std::string NameOfKind(const ::testing::TestParamInfo<RingKind>& info) {
  switch (info.param) {
    case RingKind::kUring: return "Uring";
    case RingKind::kUringCounting: return "UringCounting";
    case RingKind::kEpoll: break;
  }
  return "Epoll";
}

class RingTest : public ::testing::TestWithParam<RingKind> {
 protected:
  void SetUp() override {
    if (!UsesUring()) return;
    const auto ring = UringRing::Create({});
    if (!ring.ok()) GTEST_SKIP() << ring.status().message();
  }

  static bool UsesUring() { return GetParam() != RingKind::kEpoll; }

  // Rings that know each other; each is still to be started.
  static std::vector<std::unique_ptr<Ring>> ConnectedRings(size_t count) {
    if (!UsesUring()) return Connect<EpollRing>(count, EpollOptions{});
    return Connect<UringRing>(count, UringOptionsOf(GetParam()));
  }

  // A started ring, owned by the calling thread.
  static std::unique_ptr<Ring> StartRing() {
    std::unique_ptr<Ring> ring = std::move(ConnectedRings(1).front());
    EXPECT_TRUE(ring->Start().ok());
    return ring;
  }

 private:
  static UringOptions UringOptionsOf(RingKind kind) {
    UringOptions options;
    options.features.skip_success = kind != RingKind::kUringCounting;
    return options;
  }

  template <typename SomeRing, typename SomeOptions>
  static std::vector<std::unique_ptr<Ring>> Connect(size_t count, const SomeOptions& options) {
    std::vector<std::unique_ptr<Ring>> owned;
    std::vector<SomeRing*> rings;
    for (size_t i = 0; i < count; ++i) {
      auto ring = SomeRing::Create(options);
      EXPECT_TRUE(ring.ok()) << ring.status();
      rings.push_back(ring->get());
      owned.push_back(*std::move(ring));
    }
    EXPECT_TRUE(SomeRing::Connect(rings).ok());
    return owned;
  }
};

}  // namespace halley::io::testing
