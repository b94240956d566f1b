#include "gateway/doctor.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "gateway/own_limits.h"
#include "gtest/gtest.h"

namespace halley::gateway {
namespace {

// A host that has everything.
Facts Good() {
  Facts facts;
  facts.kernel = "6.1.0-13-amd64";
  facts.nofile = 1'048'576;
  facts.memlock = 65536;
  facts.cpus = {0, 1};
  facts.somaxconn = 4096;
  facts.local_ports = {32768, 60999};
  facts.tcp_pages_max = 1'000'000;
  facts.nr_open = 1'073'741'816;
  facts.file_max = 9'223'372'036'854'775'807;
  return facts;
}

Finding Of(const Facts& facts, const config::Options& options, const std::string& what) {
  for (const Finding& finding : Judge(facts, options)) {
    if (finding.what == what) return finding;
  }
  return {"no finding of that name"};
}

Verdict VerdictOf(const Facts& facts, const config::Options& options, const std::string& what) {
  const Finding finding = Of(facts, options, what);
  EXPECT_EQ(finding.what, what);
  EXPECT_EQ(finding.how.empty(), finding.verdict == Verdict::kOk) << what;
  return finding.verdict;
}

config::Options With(config::IoEngine engine) {
  config::Options options;
  options.io.engine = engine;
  return options;
}

config::Options WithConnections(uint32_t connections) {
  config::Options options;
  options.shard.connections_max = connections;
  return options;
}

TEST(Doctor, FindsNothingWhereEverythingIsThere) {
  for (const Finding& finding : Judge(Good(), {})) {
    EXPECT_EQ(finding.verdict, Verdict::kOk) << finding.what;
    EXPECT_EQ(finding.how, "") << finding.what;
    EXPECT_NE(finding.found, "") << finding.what;
    EXPECT_NE(finding.wanted, "") << finding.what;
  }
  EXPECT_FALSE(AnyBad(Judge(Good(), {})));
}

TEST(Doctor, JudgesTheKernel) {
  Facts facts = Good();
  const auto verdict = [&](const std::string& kernel, config::IoEngine engine) {
    facts.kernel = kernel;
    return VerdictOf(facts, With(engine), "kernel");
  };
  using config::IoEngine;
  EXPECT_EQ(verdict("6.1", IoEngine::kUring), Verdict::kOk);
  EXPECT_EQ(verdict("10.0-rc1", IoEngine::kUring), Verdict::kOk);
  EXPECT_EQ(verdict("6.0.19-arch1", IoEngine::kUring), Verdict::kBad);
  EXPECT_EQ(verdict("5.15.0", IoEngine::kAuto), Verdict::kWarn);
  EXPECT_EQ(verdict("5.15.0", IoEngine::kEpoll), Verdict::kWarn);
  EXPECT_EQ(verdict("unknown", IoEngine::kUring), Verdict::kBad);
}

TEST(Doctor, JudgesIoUring) {
  Facts facts = Good();
  EXPECT_EQ(Of(facts, {}, "io_uring").found, "usable, not restricted to the operations it is used for");
  facts.uring_restricted = true;
  EXPECT_EQ(Of(facts, {}, "io_uring").found, "usable, restricted to the operations it is used for");
  facts.why_not_uring = "io_uring is switched off";
  EXPECT_EQ(Of(facts, With(config::IoEngine::kUring), "io_uring").how, "io_uring is switched off");
  EXPECT_EQ(VerdictOf(facts, With(config::IoEngine::kUring), "io_uring"), Verdict::kBad);
  EXPECT_EQ(VerdictOf(facts, With(config::IoEngine::kAuto), "io_uring"), Verdict::kWarn);
  EXPECT_EQ(VerdictOf(facts, With(config::IoEngine::kEpoll), "io_uring"), Verdict::kOk);
}

TEST(Doctor, JudgesLockedMemoryOnlyWhereItCounts) {
  Facts facts = Good();
  EXPECT_EQ(Of(facts, {}, "RLIMIT_MEMLOCK").what, "no finding of that name");
  facts.kernel = "5.12.0";
  EXPECT_EQ(Of(facts, {}, "RLIMIT_MEMLOCK").what, "no finding of that name");
  facts.kernel = "5.11.22";
  facts.memlock = (8 << 20) - 1;
  EXPECT_EQ(VerdictOf(facts, {}, "RLIMIT_MEMLOCK"), Verdict::kWarn);
  facts.memlock = 8 << 20;
  EXPECT_EQ(VerdictOf(facts, {}, "RLIMIT_MEMLOCK"), Verdict::kOk);
}

TEST(Doctor, JudgesDescriptorsOfSoManyConnections) {
  const config::Options options = WithConnections(500'000);
  const uint64_t wanted = io::DescriptorsPerShard(NeedsOf(options, 2));
  Facts facts = Good();
  for (auto* const fact : {&facts.nofile, &*facts.nr_open}) {
    const std::string what = fact == &facts.nofile ? "RLIMIT_NOFILE" : "fs.nr_open";
    const uint64_t before = *fact;
    *fact = wanted;
    EXPECT_EQ(VerdictOf(facts, options, what), Verdict::kOk);
    *fact = wanted - 1;
    EXPECT_EQ(VerdictOf(facts, options, what), Verdict::kBad);
    *fact = before;
  }
  const uint64_t all = 500'000 + io::DescriptorsToStart(NeedsOf(options, 2));
  facts.file_max = all;
  EXPECT_EQ(VerdictOf(facts, options, "fs.file-max"), Verdict::kOk);
  facts.file_max = all - 1;
  EXPECT_EQ(VerdictOf(facts, options, "fs.file-max"), Verdict::kBad);
}

TEST(Doctor, JudgesDescriptorsOfAsManyAsThereMayBe) {
  Facts facts = Good();
  facts.nofile = 65536;
  EXPECT_EQ(VerdictOf(facts, {}, "RLIMIT_NOFILE"), Verdict::kOk);
  facts.nofile = 65535;
  EXPECT_EQ(VerdictOf(facts, {}, "RLIMIT_NOFILE"), Verdict::kWarn);
  const uint64_t start = io::DescriptorsToStart(NeedsOf({}, 2));
  facts.nofile = start;
  EXPECT_EQ(VerdictOf(facts, {}, "RLIMIT_NOFILE"), Verdict::kWarn);
  facts.nofile = start - 1;
  EXPECT_EQ(VerdictOf(facts, {}, "RLIMIT_NOFILE"), Verdict::kBad);
  facts = Good();
  facts.file_max = 65535;
  EXPECT_EQ(VerdictOf(facts, {}, "fs.file-max"), Verdict::kWarn);
}

TEST(Doctor, JudgesTheBacklog) {
  config::Options options;
  options.listen.backlog = 4096;
  Facts facts = Good();
  EXPECT_EQ(VerdictOf(facts, options, "net.core.somaxconn"), Verdict::kOk);
  facts.somaxconn = 4095;
  EXPECT_EQ(VerdictOf(facts, options, "net.core.somaxconn"), Verdict::kWarn);
}

TEST(Doctor, JudgesPortsThatOthersMayHave) {
  config::Options options;
  Facts facts = Good();
  const auto found = [&](const std::string& tcp) {
    options.listen.tcp = tcp;
    return Of(facts, options, "net.ipv4.ip_local_port_range").found;
  };
  EXPECT_EQ(found("0.0.0.0:32767, 127.0.0.1:61000, [::]:0"), "32768 to 60999");
  EXPECT_EQ(found("0.0.0.0:32768"), "32768 to 60999, with 32768");
  EXPECT_EQ(found("0.0.0.0:60999,[::]:60999,[::]:40000"), "32768 to 60999, with 40000,60999");
  EXPECT_EQ(VerdictOf(facts, options, "net.ipv4.ip_local_port_range"), Verdict::kWarn);
  facts.reserved_ports = {{40000, 40000}, {60990, 60999}};
  EXPECT_EQ(found("0.0.0.0:60999,[::]:60989,[::]:40000"), "32768 to 60999, with 60989");
}

TEST(Doctor, JudgesWhatConnectionsTakeOfTheHost) {
  const config::Options options = WithConnections(500'000);
  Facts facts = Good();
  for (const char* what : {"net.ipv4.tcp_mem", "nf_conntrack_max"}) {
    facts.tcp_pages_max = facts.conntrack_max = 500'000;
    EXPECT_EQ(VerdictOf(facts, options, what), Verdict::kOk);
    facts.tcp_pages_max = facts.conntrack_max = 499'999;
    EXPECT_EQ(VerdictOf(facts, options, what), Verdict::kWarn);
    // Nobody has said how many there will be.
    facts.tcp_pages_max = facts.conntrack_max = 65536;
    EXPECT_EQ(VerdictOf(facts, {}, what), Verdict::kOk);
    facts.tcp_pages_max = facts.conntrack_max = 65535;
    EXPECT_EQ(VerdictOf(facts, {}, what), Verdict::kWarn);
  }
  facts.conntrack_max.reset();
  EXPECT_EQ(VerdictOf(facts, options, "nf_conntrack"), Verdict::kOk);
}

TEST(Doctor, JudgesCpus) {
  config::Options options;
  Facts facts = Good();
  options.shard.shards = 2;
  EXPECT_EQ(VerdictOf(facts, options, "CPUs"), Verdict::kOk);
  options.shard.shards = 3;
  EXPECT_EQ(VerdictOf(facts, options, "CPUs"), Verdict::kWarn);
  options.shard.shards = 0;
  options.shard.cpus = "1-2";
  EXPECT_EQ(VerdictOf(facts, options, "CPUs"), Verdict::kBad);
  options.shard.cpus = "1";
  EXPECT_EQ(VerdictOf(facts, options, "CPUs"), Verdict::kOk);
  options.shard.shards = 2;
  EXPECT_EQ(VerdictOf(facts, options, "CPUs"), Verdict::kWarn);
}

TEST(Doctor, JudgesTheQuotaOfCpus) {
  config::Options options;
  Facts facts = Good();
  EXPECT_EQ(Of(facts, options, "CPU quota").what, "no finding of that name");
  facts.cpu_quota = 2.0;
  EXPECT_EQ(VerdictOf(facts, options, "CPU quota"), Verdict::kOk);
  facts.cpu_quota = 1.5;
  EXPECT_EQ(VerdictOf(facts, options, "CPU quota"), Verdict::kWarn);
  EXPECT_TRUE(absl::StartsWith(Of(facts, options, "CPU quota").how, "shard.shards = 1, "));
}

TEST(Doctor, WhatCannotBeReadIsNotJudged) {
  Facts facts = Good();
  facts.somaxconn.reset();
  facts.local_ports.reset();
  facts.tcp_pages_max.reset();
  facts.nr_open.reset();
  facts.file_max.reset();
  EXPECT_EQ(Judge(facts, {}).size(), Judge(Good(), {}).size() - 5);
}

TEST(Doctor, SaysWhatItHasFound) {
  const std::vector<Finding> findings = {{"kernel", "6.1", "6.1 or newer"},
                                         {"fs.nr_open", "5", "6 or more", Verdict::kBad, "raise it"}};
  EXPECT_EQ(Render(findings),
            "ok    kernel                        6.1 (wanted: 6.1 or newer)\n"
            "bad   fs.nr_open                    5 (wanted: 6 or more)\n"
            "      raise it\n");
  EXPECT_TRUE(AnyBad(findings));
}

// A host of files.
class Root {
 public:
  Root() : path_(testing::TempDir() + "halley-doctor-root") { std::filesystem::remove_all(path_); }
  ~Root() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  void Write(const std::string& name, const std::string& text) {
    const std::filesystem::path file(path_ + name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

 private:
  std::string path_;
};

TEST(Doctor, ReadsTheHost) {
  Root root;
  root.Write("/proc/sys/net/core/somaxconn", "4096\n");
  root.Write("/proc/sys/net/ipv4/ip_local_port_range", "1024\t65535\n");
  root.Write("/proc/sys/net/ipv4/ip_local_reserved_ports", "3101,3108-3111\n");
  root.Write("/proc/sys/net/ipv4/tcp_mem", "188319\t251092\t376638\n");
  root.Write("/proc/sys/fs/nr_open", "1048576\n");
  root.Write("/proc/sys/fs/file-max", "9223372036854775807\n");
  root.Write("/proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
  root.Write("/proc/self/cgroup", "0::/app/halley\n");
  root.Write("/sys/fs/cgroup/app/halley/cpu.max", "max 100000\n");
  root.Write("/sys/fs/cgroup/app/cpu.max", "150000 100000\n");
  const Facts facts = ReadFacts(root.path(), /*uring=*/false);
  EXPECT_EQ(facts.somaxconn, 4096u);
  ASSERT_TRUE(facts.local_ports.has_value());
  EXPECT_EQ(facts.local_ports->first, 1024u);
  EXPECT_EQ(facts.local_ports->last, 65535u);
  ASSERT_EQ(facts.reserved_ports.size(), 2u);
  EXPECT_EQ(facts.reserved_ports[0].first, 3101u);
  EXPECT_EQ(facts.reserved_ports[0].last, 3101u);
  EXPECT_EQ(facts.reserved_ports[1].last, 3111u);
  EXPECT_EQ(facts.tcp_pages_max, 376638u);
  EXPECT_EQ(facts.nr_open, 1048576u);
  EXPECT_EQ(facts.file_max, 9223372036854775807u);
  EXPECT_EQ(facts.conntrack_max, 262144u);
  EXPECT_EQ(facts.cpu_quota, 1.5);
  EXPECT_GT(facts.nofile, 0u);
  EXPECT_FALSE(facts.cpus.empty());
  EXPECT_NE(facts.kernel, "");
}

TEST(Doctor, ReadsNothingWhereNothingIsOrMakesSense) {
  Root root;
  root.Write("/proc/sys/net/core/somaxconn", "many\n");
  root.Write("/proc/sys/net/ipv4/tcp_mem", "1 2\n");
  root.Write("/proc/sys/net/ipv4/ip_local_reserved_ports", "\n");
  const Facts facts = ReadFacts(root.path(), /*uring=*/false);
  EXPECT_FALSE(facts.somaxconn.has_value());
  EXPECT_FALSE(facts.tcp_pages_max.has_value());
  EXPECT_FALSE(facts.local_ports.has_value());
  EXPECT_FALSE(facts.conntrack_max.has_value());
  EXPECT_FALSE(facts.cpu_quota.has_value());
  EXPECT_TRUE(facts.reserved_ports.empty());
}

}  // namespace
}  // namespace halley::gateway
