// The doctor's facts: read from /proc, /sys and the kernel.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gateway/doctor.h"
#include "gateway/machine_memory.h"
#include "gateway/own_limits.h"
#include "io/probe.h"
#include "io/setup_error.h"

namespace halley::gateway {
namespace {

using Fields = std::vector<std::string>;

Fields FieldsOf(const std::string& path) {
  return absl::StrSplit(io::ReadProcFile(path.c_str()), absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
}

std::optional<uint64_t> NumberAt(const Fields& fields, size_t index) {
  uint64_t number = 0;
  if (index >= fields.size() || !absl::SimpleAtoi(fields[index], &number)) return std::nullopt;
  return number;
}

// "8080,9000-9010" as the kernel writes it.
std::vector<Facts::Range> Ranges(const Fields& fields) {
  std::vector<Facts::Range> ranges;
  if (fields.empty()) return ranges;
  for (const absl::string_view part : absl::StrSplit(fields.front(), ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(part, '-');
    Facts::Range range{};
    if (absl::SimpleAtoi(ends.front(), &range.first) && absl::SimpleAtoi(ends.back(), &range.last)) {
      ranges.push_back(range);
    }
  }
  return ranges;
}

// The least of this process' cgroup and those above it, as MachineMemoryBytes() does.
std::optional<double> CpuQuota(const std::string& root) {
  std::optional<double> least;
  const std::string cgroups = io::ReadProcFile((root + "/proc/self/cgroup").c_str());
  for (std::string path(ParseCgroupPath(cgroups)); !path.empty();) {
    const Fields fields = FieldsOf(root + "/sys/fs/cgroup" + path + "/cpu.max");
    const auto quota = NumberAt(fields, 0);
    const auto period = NumberAt(fields, 1);
    if (quota.has_value() && period.value_or(0) > 0) {
      const double cpus = static_cast<double>(*quota) / static_cast<double>(*period);
      least = std::min(least.value_or(cpus), cpus);
    }
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
  return least;
}

uint64_t HardLimit(decltype(RLIMIT_NOFILE) resource) {
  rlimit limit{};
  getrlimit(resource, &limit);
  return limit.rlim_max;
}

}  // namespace

Facts ReadFacts(const std::string& root, bool uring) {
  const std::string sysctls = root + "/proc/sys/";
  Facts facts;
  facts.kernel = io::KernelRelease();
  if (uring) {
    const absl::StatusOr<io::UringFeatures> features = io::ProbeUring();
    facts.why_not_uring = std::string(features.status().message());
    facts.uring_restricted = features.ok() && features->restricted;
  }
  facts.nofile = HardLimit(RLIMIT_NOFILE);
  facts.memlock = HardLimit(RLIMIT_MEMLOCK);
  facts.page_bytes = static_cast<uint64_t>(std::max(sysconf(_SC_PAGESIZE), 1L));
  facts.cpus = AllowedCpus();
  facts.cpu_quota = CpuQuota(root);
  facts.somaxconn = NumberAt(FieldsOf(sysctls + "net/core/somaxconn"), 0);
  const Fields ports = FieldsOf(sysctls + "net/ipv4/ip_local_port_range");
  const auto first = NumberAt(ports, 0);
  const auto last = NumberAt(ports, 1);
  if (first.has_value() && last.has_value()) {
    facts.local_ports = {static_cast<uint32_t>(*first), static_cast<uint32_t>(*last)};
  }
  facts.reserved_ports = Ranges(FieldsOf(sysctls + "net/ipv4/ip_local_reserved_ports"));
  facts.tcp_pages_max = NumberAt(FieldsOf(sysctls + "net/ipv4/tcp_mem"), 2);
  facts.nr_open = NumberAt(FieldsOf(sysctls + "fs/nr_open"), 0);
  facts.file_max = NumberAt(FieldsOf(sysctls + "fs/file-max"), 0);
  facts.conntrack_max = NumberAt(FieldsOf(sysctls + "net/netfilter/nf_conntrack_max"), 0);
  return facts;
}

}  // namespace halley::gateway
