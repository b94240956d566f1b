// The option table's parts: the rows of some sections each, in the order of options.h. table.cc puts
// them together.
#pragma once

#include "absl/types/span.h"
#include "config/table.h"

namespace halley::config {

absl::Span<const OptionSpec> ListenOptionRows();
absl::Span<const OptionSpec> ClientOptionRows();
absl::Span<const OptionSpec> LimitsOptionRows();
absl::Span<const OptionSpec> DialectOptionRows();
absl::Span<const OptionSpec> NodeOptionRows();
absl::Span<const OptionSpec> DiscoveryOptionRows();

}  // namespace halley::config
