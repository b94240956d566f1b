// Watch: where goim's logic is, as bilibili discovery says: a long poll after the other, each from where
// the last has ended. What is known stays until something better is: a registry that is gone, forgets, or
// knows of nobody takes no address away. Sans-IO, as Registration is.
//
// Threads    One.
// Ownership  Borrows the counts.
// Limits     One poll at a time; kAddressesMax; an answer that says nothing new brings the next poll no
//            sooner than kApartMs after that one began.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "discovery/call.h"
#include "discovery/discovery.h"
#include "discovery/nodes.h"
#include "discovery/reply.h"

namespace halley::discovery {

class Watch {
 public:
  static constexpr size_t kAddressesMax = 1024;
  static constexpr uint64_t kApartMs = 1'000;
  // A registry that was started again may count anew, so now and then the whole list is asked for.
  static constexpr uint64_t kWholeEveryMs = 300'000;

  Watch(Instance self, std::string appid, std::vector<std::string> nodes, Draw draw,
        FailureCounts* failures);

  // What to ask now; the outcome is to be brought before the next.
  std::optional<Call> Next(uint64_t now_ms);
  // Whether addresses() are others than before.
  bool Answered(uint64_t now_ms, const Outcome& outcome);

  const std::vector<std::string>& addresses() const { return addresses_; }

 private:
  void OnFailure(uint64_t now_ms, Failure failure);
  bool TakeListing(uint64_t now_ms, Listing listing);

  const Instance self_;
  const std::string appid_;
  Nodes nodes_;
  FailureCounts& failures_;
  std::vector<std::string> addresses_;
  bool asking_ = false;
  uint64_t asked_ms_ = 0;
  uint64_t not_before_ms_ = 0;
  uint64_t whole_ms_ = 0;
  int64_t latest_ = 0;  // of the node that is asked: each counts for itself
};

}  // namespace halley::discovery
