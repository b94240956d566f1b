#include "gateway/machine_memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string>

namespace halley::gateway {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

std::optional<uint64_t> ParseMemoryMax(std::string_view text) {
  uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return bytes;
}

std::string_view ParseCgroupPath(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with("0::")) return line.substr(3);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return {};
}

uint64_t MachineMemoryBytes() {
  uint64_t bytes = static_cast<uint64_t>(std::max(sysconf(_SC_PHYS_PAGES), 0L)) *
                   static_cast<uint64_t>(std::max(sysconf(_SC_PAGESIZE), 0L));
  const std::string cgroups = ReadAll("/proc/self/cgroup");
  for (std::string path(ParseCgroupPath(cgroups)); !path.empty();) {
    const auto limit = ParseMemoryMax(ReadAll("/sys/fs/cgroup" + path + "/memory.max"));
    if (limit.has_value()) bytes = std::min(bytes, *limit);
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
  return bytes;
}

uint32_t OwnMemoryMib() {
  return static_cast<uint32_t>(std::max<uint64_t>(MachineMemoryBytes() / 4 >> 20, 16));
}

}  // namespace halley::gateway
