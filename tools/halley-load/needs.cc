#include "halley-load/needs.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "halley-load/client_thread.h"
#include "halley-load/system.h"

namespace halley::load {
namespace {

// A loopback address offers some 28,000 ports; those of ended connections are not free at once.
constexpr uint32_t kClientsPerSource = 8000;

}  // namespace

absl::StatusOr<std::vector<Address>> SourcesFor(const LoadOptions& options, const Address& server) {
  std::vector<Address> sources;
  uint32_t count = 0;
  if (options.sources.empty()) {
    // Only a loopback server is known to be reached from every loopback address.
    const bool many = server.family() == AF_INET && server.loopback();
    count = many ? options.clients / kClientsPerSource + 1 : 0;
  } else if (!absl::SimpleAtoi(options.sources, &count)) {
    for (const absl::string_view text : absl::StrSplit(options.sources, ',')) {
      absl::StatusOr<Address> source = ParseSource(text);
      if (!source.ok()) return source.status();
      sources.push_back(*std::move(source));
    }
  }
  for (uint32_t i = 1; i <= std::min(count, 250u); ++i) sources.push_back(LoopbackSource(i));
  for (const Address& source : sources) {
    if (source.family() != server.family()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "source ", source.text, " and server ", server.text,
          " are of different families: give --sources of the server's family."));
    }
  }
  return sources;
}

absl::StatusOr<uint32_t> ThreadsFor(const LoadOptions& options) {
  const uint64_t limit = RaiseDescriptorLimit();
  if (limit <= kDescriptorsSpare) {
    return absl::InvalidArgumentError(absl::StrCat(
        "RLIMIT_NOFILE is ", limit, ": raise it, for example with ulimit -n 20000."));
  }
  const uint64_t per_thread = limit - kDescriptorsSpare;
  const uint64_t wanted = (options.clients + per_thread - 1) / per_thread;
  if (options.threads == 0) return static_cast<uint32_t>(wanted);
  if (options.threads < wanted) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.clients, " clients need ", wanted, " threads at the descriptor limit ",
                     limit, ": give --threads ", wanted, " or raise RLIMIT_NOFILE."));
  }
  return options.threads;
}

}  // namespace halley::load
