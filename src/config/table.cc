#include "config/table.h"

#include <vector>

#include "config/table_parts.h"

namespace halley::config {
namespace {

constexpr CommandSpec kCommands[] = {
    {kConfigFlag, "FILE", "read options from this TOML file; flags win over it"},
    {kCheckConfigFlag, "", "check file and flags, say what is wrong, and exit"},
    {kDoctorFlag, "", "look at this host, say what it lacks for that configuration, and exit"},
    {kPrintConfigFlag, "", "print a commented TOML file with every option and exit"},
    {kHelpFlag, "", "print this and exit"},
    {kVersionFlag, "", "print the version and exit"},
};

}  // namespace

absl::Span<const OptionSpec> OptionTable() {
  // Never destroyed: spans of it are kept.
  static const auto* const rows = [] {
    auto* all = new std::vector<OptionSpec>;
    for (const auto part : {ListenOptionRows(), ClientOptionRows(), LimitsOptionRows(),
                            DialectOptionRows(), NodeOptionRows(), DiscoveryOptionRows()}) {
      all->insert(all->end(), part.begin(), part.end());
    }
    return all;
  }();
  return *rows;
}

absl::Span<const CommandSpec> CommandTable() { return kCommands; }

}  // namespace halley::config
