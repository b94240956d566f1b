// The doctor, halley --doctor: what this host has for a node with these options, what it should have, and
// how that is set. Facts are read in one place and judged in another, which knows no kernel.
//
// Threads    The main thread's, instead of serving.
// Errors     Examine(): one sentence, where gateway.user cannot be become. What the host lacks is a finding.
// Limits     What cannot be read (in a container, without the module) is not judged.
// Source     proc_sys_net_core(5), tcp(7), ip(7), getrlimit(2), nf_conntrack-sysctl of the kernel's
//            documentation; cpu.max of its cgroup-v2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "config/options.h"

namespace halley::gateway {

struct Facts {
  std::string kernel;         // uname -r
  std::string why_not_uring;  // one sentence; empty: it may be used, and behaves
  bool uring_restricted = false;  // where it may be used: rings are kept to the operations they use
  uint64_t nofile = 0;        // RLIMIT_NOFILE, the hard one: the soft one is raised to it
  uint64_t memlock = 0;       // RLIMIT_MEMLOCK, bytes
  uint64_t page_bytes = 4096;
  std::vector<uint32_t> cpus;  // that may be run on
  std::optional<double> cpu_quota;  // of the cgroup, in CPUs
  std::optional<uint64_t> somaxconn;
  struct Range {
    uint32_t first;
    uint32_t last;
  };
  std::optional<Range> local_ports;
  std::vector<Range> reserved_ports;
  std::optional<uint64_t> tcp_pages_max;  // the third of tcp_mem
  std::optional<uint64_t> nr_open;
  std::optional<uint64_t> file_max;
  std::optional<uint64_t> conntrack_max;  // none: no connections are tracked
};

enum class Verdict : uint8_t {
  kOk,
  kWarn,  // it starts; some of it will be less than it could be
  kBad,   // it does not start, or not for as many as it is to
};

struct Finding {
  std::string what;
  std::string found;
  std::string wanted;
  Verdict verdict = Verdict::kOk;
  std::string how;  // to set it; empty where all is well
};

// `root`: what stands in front of /proc and /sys; empty: nothing. Of this process and of io_uring they say
// nothing: those facts are the real ones. `uring`: whether io_uring is tried at all.
Facts ReadFacts(const std::string& root, bool uring);

std::vector<Finding> Judge(const Facts& facts, const config::Options& options);

// Becomes gateway.user, who may be allowed less, and then does both.
absl::StatusOr<std::vector<Finding>> Examine(const config::Options& options);

std::string Render(const std::vector<Finding>& findings);
bool AnyBad(const std::vector<Finding>& findings);

}  // namespace halley::gateway
