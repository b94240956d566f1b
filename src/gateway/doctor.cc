#include "gateway/doctor.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "config/address.h"
#include "config/cpu_list.h"
#include "config/listeners.h"
#include "gateway/own_limits.h"
#include "gateway/own_user.h"

namespace halley::gateway {
namespace {

using Findings = std::vector<Finding>;

Finding AtLeast(std::string what, uint64_t found, uint64_t wanted, const std::string& why,
                Verdict otherwise, std::string how) {
  Finding finding{std::move(what), absl::StrCat(found), absl::StrCat(wanted, " or more: ", why)};
  if (found < wanted) {
    finding.verdict = otherwise;
    finding.how = std::move(how);
  }
  return finding;
}

std::string Sysctl(absl::string_view name, absl::string_view value) {
  return absl::StrCat("sysctl -w ", name, "=", value, ", and the same in /etc/sysctl.d");
}

// What options and host make of the node.
struct Node {
  uint32_t shards;
  io::DescriptorNeeds needs;  // with the connections that there will be
  bool connections_set;       // by an option, rather than by what the host allows
  // For how many the host's tables are to have room: what only descriptors allow nobody has asked for.
  uint64_t connections_wanted;
};

// Connections that a host should have room for when nobody has said how many there will be.
constexpr uint64_t kUsual = 65536;

Node NodeOf(const Facts& facts, const config::Options& options) {
  Node node{};
  node.shards = options.shard.shards;
  if (node.shards == 0) {
    // The list has been checked.
    const auto named = config::ParseCpuList(options.shard.cpus);
    const size_t count = named.ok() && !named->empty() ? named->size() : facts.cpus.size();
    node.shards = static_cast<uint32_t>(std::max<size_t>(count, 1));
  }
  node.needs = NeedsOf(options, node.shards);
  node.connections_set = node.needs.connections != 0;
  if (!node.connections_set) node.needs.connections = ConnectionsThatFit(node.needs, facts.nofile);
  node.connections_wanted =
      node.connections_set ? node.needs.connections : std::min(node.needs.connections, kUsual);
  return node;
}

// False for what does not begin with two numbers.
bool KernelAtLeast(const std::string& release, uint32_t major, uint32_t minor) {
  const std::vector<std::string> parts = absl::StrSplit(release, absl::ByAnyChar(".-+"));
  uint32_t has_major = 0;
  uint32_t has_minor = 0;
  if (parts.size() < 2 || !absl::SimpleAtoi(parts[0], &has_major) ||
      !absl::SimpleAtoi(parts[1], &has_minor)) {
    return false;
  }
  return std::pair(has_major, has_minor) >= std::pair(major, minor);
}

void JudgeKernel(const Facts& facts, const config::Options& options, Findings* findings) {
  const bool only_uring = options.io.engine == config::IoEngine::kUring;
  const bool epoll = options.io.engine == config::IoEngine::kEpoll;
  const Verdict without = only_uring ? Verdict::kBad : Verdict::kWarn;
  Finding kernel{"kernel", facts.kernel, "6.1 or newer"};
  if (!KernelAtLeast(facts.kernel, 6, 1)) {
    kernel.verdict = epoll ? Verdict::kWarn : without;
    kernel.how = "upgrade it: what is older is not tested, and has no io_uring that will do";
  }
  findings->push_back(std::move(kernel));
  // Unrestricted rings serve as well, and there is nothing to be done about them.
  Finding uring{"io_uring",
                absl::StrCat("usable, ", facts.uring_restricted ? "restricted" : "not restricted",
                             " to the operations it is used for"),
                "usable"};
  if (epoll) {
    uring.found = "not tried";
    uring.wanted = "nothing: io.engine is epoll";
  } else if (!facts.why_not_uring.empty()) {
    uring.found = only_uring ? "not usable" : "not usable: epoll will be used";
    uring.verdict = without;
    uring.how = facts.why_not_uring;
  }
  findings->push_back(std::move(uring));
  // Since Linux 5.12 rings are charged to the cgroup, and this gateway registers no buffers.
  if (!epoll && !KernelAtLeast(facts.kernel, 5, 12)) {
    constexpr uint64_t kRingBytes = uint64_t{8} << 20;
    findings->push_back(AtLeast("RLIMIT_MEMLOCK", facts.memlock, kRingBytes, "bytes for the rings",
                                Verdict::kWarn, "LimitMEMLOCK=infinity of systemd, --ulimit memlock=-1 of "
                                                "docker"));
  }
}

void JudgeDescriptors(const Facts& facts, const Node& node, Findings* findings) {
  const std::string how = "LimitNOFILE= of systemd, --ulimit nofile= of docker, or more shards";
  const uint64_t start = io::DescriptorsToStart(node.needs);
  const uint64_t per_shard = io::DescriptorsPerShard(node.needs);
  if (facts.nofile < start || node.connections_set) {
    findings->push_back(AtLeast("RLIMIT_NOFILE", facts.nofile, std::max(start, per_shard),
                                absl::StrCat("for ", node.needs.connections, " connections on ",
                                             node.shards, " shards"),
                                Verdict::kBad, how));
  } else {
    findings->push_back(AtLeast("RLIMIT_NOFILE", facts.nofile, kUsual,
                                absl::StrCat("connections of one shard; this is for ",
                                             node.needs.connections, " on ", node.shards, " shards"),
                                Verdict::kWarn, how));
  }
  if (facts.nr_open.has_value()) {
    findings->push_back(AtLeast("fs.nr_open", *facts.nr_open, per_shard,
                                "RLIMIT_NOFILE cannot be more than it", Verdict::kBad,
                                Sysctl("fs.nr_open", absl::StrCat(per_shard))));
  }
  if (facts.file_max.has_value()) {
    const uint64_t all = node.connections_wanted + io::DescriptorsToStart(node.needs);
    findings->push_back(AtLeast("fs.file-max", *facts.file_max, all, "what all shards have open",
                                node.connections_set ? Verdict::kBad : Verdict::kWarn,
                                Sysctl("fs.file-max", absl::StrCat(all))));
  }
}

// The ports that the gateway is to have, without those that the kernel picks.
std::vector<uint32_t> PortsOf(const config::ListenOptions& listen) {
  std::vector<uint32_t> ports;
  for (const config::ListenerSpec& listener : config::kListeners) {
    const auto addresses = config::ParseAddresses(listen.*listener.list);
    if (!addresses.ok()) continue;
    for (const config::Address& address : *addresses) {
      if (address.port != 0) ports.push_back(address.port);
    }
  }
  std::ranges::sort(ports);
  ports.erase(std::ranges::unique(ports).begin(), ports.end());
  return ports;
}

void JudgePorts(const Facts& facts, const config::Options& options, Findings* findings) {
  if (!facts.local_ports.has_value()) return;
  const auto within = [](const Facts::Range& range, uint32_t port) {
    return range.first <= port && port <= range.last;
  };
  std::string taken;
  for (const uint32_t port : PortsOf(options.listen)) {
    const bool reserved = std::ranges::any_of(
        facts.reserved_ports, [&](const Facts::Range& range) { return within(range, port); });
    if (!within(*facts.local_ports, port) || reserved) continue;
    absl::StrAppend(&taken, taken.empty() ? "" : ",", port);
  }
  Finding finding{"net.ipv4.ip_local_port_range",
                  absl::StrCat(facts.local_ports->first, " to ", facts.local_ports->last),
                  "no port that the gateway listens on: an outgoing connection may have it"};
  if (!taken.empty()) {
    absl::StrAppend(&finding.found, ", with ", taken);
    finding.verdict = Verdict::kWarn;
    finding.how = Sysctl("net.ipv4.ip_local_reserved_ports", taken);
  }
  findings->push_back(std::move(finding));
}

void JudgeNetwork(const Facts& facts, const config::Options& options, const Node& node,
                  Findings* findings) {
  if (facts.somaxconn.has_value()) {
    findings->push_back(AtLeast("net.core.somaxconn", *facts.somaxconn, options.listen.backlog,
                                "listen.backlog, which the kernel cuts to it", Verdict::kWarn,
                                Sysctl("net.core.somaxconn", absl::StrCat(options.listen.backlog))));
  }
  JudgePorts(facts, options, findings);
  const uint64_t connections = node.connections_wanted;
  if (facts.tcp_pages_max.has_value()) {
    findings->push_back(AtLeast(
        "net.ipv4.tcp_mem", *facts.tcp_pages_max, connections,
        absl::StrCat("pages of ", facts.page_bytes, " bytes, one for each connection with anything in a "
                     "socket's buffer"),
        Verdict::kWarn,
        Sysctl("net.ipv4.tcp_mem", absl::StrCat("\"", connections / 2, " ", connections / 4 * 3, " ",
                                                connections, "\""))));
  }
  if (facts.conntrack_max.has_value()) {
    findings->push_back(AtLeast("nf_conntrack_max", *facts.conntrack_max, connections,
                                "each connection is tracked; more are dropped", Verdict::kWarn,
                                absl::StrCat(Sysctl("net.netfilter.nf_conntrack_max",
                                                    absl::StrCat(connections)),
                                             ", or no tracking of the clients' ports")));
  } else {
    findings->push_back({"nf_conntrack", "not there", "not there, or room for all connections"});
  }
}

void JudgeCpus(const Facts& facts, const config::Options& options, const Node& node,
               Findings* findings) {
  Finding cpus{"CPUs", absl::StrCat(facts.cpus.size(), " for ", node.shards, " shards"),
               "those that shard.cpus names, one for each shard"};
  const auto named = config::ParseCpuList(options.shard.cpus);
  size_t usable = facts.cpus.size();
  if (named.ok() && !named->empty()) {
    usable = named->size();
    for (const uint32_t cpu : *named) {
      if (std::ranges::count(facts.cpus, cpu) != 0) continue;
      cpus.verdict = Verdict::kBad;
      cpus.how = absl::StrCat("CPU ", cpu, " of shard.cpus may not be run on: name some of those in "
                              "`taskset -cp $$`");
    }
  }
  if (cpus.verdict == Verdict::kOk && node.shards > usable) {
    cpus.verdict = Verdict::kWarn;
    cpus.how = absl::StrCat("fewer shards, unless it is their descriptors that are wanted: they share ",
                            usable, " CPUs");
  }
  findings->push_back(std::move(cpus));
  if (!facts.cpu_quota.has_value()) return;
  Finding quota{"CPU quota", absl::StrCat(*facts.cpu_quota, " CPUs"),
                absl::StrCat(node.shards, " or more: a shard that is held back holds up the others")};
  if (*facts.cpu_quota < node.shards) {
    quota.verdict = Verdict::kWarn;
    quota.how = absl::StrCat("shard.shards = ", std::max(1.0, std::floor(*facts.cpu_quota)),
                             ", or no quota (CPUQuota= of systemd, --cpus of docker)");
  }
  findings->push_back(std::move(quota));
}

constexpr const char* Word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk: return "ok";
    case Verdict::kWarn: return "warn";
    case Verdict::kBad: break;
  }
  return "bad";
}

}  // namespace

std::vector<Finding> Judge(const Facts& facts, const config::Options& options) {
  const Node node = NodeOf(facts, options);
  Findings findings;
  JudgeKernel(facts, options, &findings);
  JudgeDescriptors(facts, node, &findings);
  JudgeNetwork(facts, options, node, &findings);
  JudgeCpus(facts, options, node, &findings);
  return findings;
}

absl::StatusOr<std::vector<Finding>> Examine(const config::Options& options) {
  if (absl::Status became = BecomeUser(options.gateway.user); !became.ok()) return became;
  return Judge(ReadFacts("", options.io.engine != config::IoEngine::kEpoll), options);
}

std::string Render(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    char head[64];
    std::snprintf(head, sizeof head, "%-5s %-30s", Word(finding.verdict), finding.what.c_str());
    absl::StrAppend(&out, head, finding.found, " (wanted: ", finding.wanted, ")\n");
    if (!finding.how.empty()) absl::StrAppend(&out, "      ", finding.how, "\n");
  }
  return out;
}

bool AnyBad(const std::vector<Finding>& findings) {
  return std::ranges::any_of(findings,
                             [](const Finding& each) { return each.verdict == Verdict::kBad; });
}

}  // namespace halley::gateway
