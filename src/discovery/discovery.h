// Discovery: how a node is found, and how it finds goim's logic: with a registry, or from a list.
//
// Threads    Start() and the destructor on one; Stop() and figures() on any. Addresses are told on a
//            thread of the implementation's own, or in Start().
// Errors     None after it was created: what fails is counted, told, and tried again.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace halley::discovery {

// What changes while a node runs, as goim's comet tells it of itself.
struct Load {
  uint64_t connections = 0;
  uint64_t ips = 0;      // distinct addresses of clients; 0: not known
  bool offline = false;  // no new clients are to be sent here

  bool operator==(const Load&) const = default;
};

// A node as a registry knows it.
struct Instance {
  std::string region;
  std::string zone;
  std::string env;
  std::string appid;
  std::string hostname;
  std::string version;
  std::vector<std::string> addrs;  // "grpc://10.0.0.1:3109": for other programs
  std::string public_addrs;        // "203.0.113.1,203.0.113.2": for clients
  uint32_t weight = 0;
};

enum class Failure : uint8_t {
  kUnreachable,  // no connection, or one that broke
  kTimedOut,
  kHttpStatus,   // other than 200
  kTooBig,       // an answer beyond its limit
  kBadAnswer,    // one that is not the JSON that is wanted
  kRefused,      // a code other than those below
  kNotFound,     // the registry does not know the node any more, or nobody of that name
  kEmptyList,    // of addresses: those that are known stay
  kLeftOut,      // addresses that could not be used, or were too many
};
inline constexpr size_t kFailuresCount = static_cast<size_t>(Failure::kLeftOut) + 1;
std::string_view FailureName(Failure failure);

// Written by one thread, read by any.
class FailureCounts {
 public:
  void Add(Failure failure, uint64_t count = 1) {
    counts_[static_cast<size_t>(failure)].fetch_add(count, std::memory_order_relaxed);
  }
  uint64_t of(Failure failure) const {
    return counts_[static_cast<size_t>(failure)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<uint64_t>, kFailuresCount> counts_{};
};

struct Figures {
  bool registered = false;             // as far as is known
  std::vector<std::string> addresses;  // of logic, as told last
  std::array<uint64_t, kFailuresCount> failures{};
};

using OnAddresses = std::function<void(std::vector<std::string>)>;

class Discovery {
 public:
  virtual ~Discovery() = default;

  virtual void Start() = 0;
  // Has the node no longer found. Returns when that is so, or the time for it is over; a second call
  // does nothing.
  virtual void Stop() = 0;
  virtual Figures figures() const = 0;
};

}  // namespace halley::discovery
