#include "halley-load/system.h"

#include <dirent.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/assert.h"

namespace halley::load {
namespace {

uint64_t ReadClock(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// The first number of a schedstat file: nanoseconds on a CPU.
uint64_t SchedstatNs(const std::string& path) {
  std::ifstream file(path);
  uint64_t run_ns = 0;
  return file >> run_ns ? run_ns : 0;
}

// The number after `field` in a file of lines "field: number kB", as bytes.
uint64_t ReadKilobytes(const std::string& path, absl::string_view field) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, field)) {
      return std::strtoull(line.c_str() + field.size(), nullptr, 10) * 1024;
    }
  }
  return 0;
}

// Calls `fn` with each numeric name in a directory.
void ForEachNumber(const std::string& path, const std::function<void(int)>& fn) {
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return;
  while (const dirent* entry = readdir(directory)) {
    int number = 0;
    if (absl::SimpleAtoi(entry->d_name, &number)) fn(number);
  }
  closedir(directory);
}

}  // namespace

uint64_t NowNs() { return ReadClock(CLOCK_MONOTONIC); }

uint64_t ThreadCpuNs() { return ReadClock(CLOCK_THREAD_CPUTIME_ID); }

uint64_t OwnCpuNs() { return ReadClock(CLOCK_PROCESS_CPUTIME_ID); }

bool PinThread(const std::vector<uint32_t>& cpus, size_t turn) {
  if (cpus.empty()) return true;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpus[turn % cpus.size()], &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

void PartDescriptorTable() {
#if !defined(__SANITIZE_THREAD__)
  // ThreadSanitizer keeps books by descriptor number for the whole process and takes equal numbers
  // of two tables for one descriptor; under it, threads share the table.
  HALLEY_ASSERT(close_range(3, ~0U, CLOSE_RANGE_UNSHARE) == 0);
#endif
}

uint64_t RaiseDescriptorLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

uint64_t ProcessCpuNs(int pid) {
  const std::string tasks = absl::StrCat("/proc/", pid, "/task/");
  uint64_t sum = 0;
  ForEachNumber(tasks, [&](int task) {
    sum += SchedstatNs(absl::StrCat(tasks, task, "/schedstat"));
  });
  return sum;
}

SoftirqClock::SoftirqClock(const std::vector<uint32_t>& cpus) {
  if (cpus.empty()) return;
  ForEachNumber("/proc", [&](int pid) {
    std::ifstream file(absl::StrCat("/proc/", pid, "/comm"));
    std::string comm;
    std::getline(file, comm);
    for (const uint32_t cpu : cpus) {
      if (comm == absl::StrCat("ksoftirqd/", cpu)) {
        paths_.push_back(absl::StrCat("/proc/", pid, "/schedstat"));
      }
    }
  });
}

uint64_t SoftirqClock::ReadNs() const {
  uint64_t sum = 0;
  for (const std::string& path : paths_) sum += SchedstatNs(path);
  return sum;
}

uint64_t ResidentBytes(int pid) {
  const uint64_t exact = ReadKilobytes(absl::StrCat("/proc/", pid, "/smaps_rollup"), "Rss:");
  if (exact != 0) return exact;
  return ReadKilobytes(absl::StrCat("/proc/", pid, "/status"), "VmRSS:");
}

MachineMemory ReadMachineMemory() {
  return {ReadKilobytes("/proc/meminfo", "Slab:"), ReadKilobytes("/proc/meminfo", "MemAvailable:")};
}

}  // namespace halley::load
