#include "limit/options.h"

#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "config/cpu_list.h"

namespace halley::limit {
namespace {

bool Set(absl::string_view name, absl::string_view value, LimitOptions* options) {
  if (name == "--ws" || name == "--tcp") {
    options->clients = std::string(value);
    options->encoding =
        name == "--ws" ? wire::Encoding::kGoimWebSocket : wire::Encoding::kGoimTcp;
    return true;
  }
  if (name == "--control") {
    options->control = std::string(value);
    return true;
  }
  if (name == "--cpu") {
    absl::StatusOr<std::vector<uint32_t>> cpu = config::ParseCpuList(value);
    if (!cpu.ok() || cpu->size() != 1) return false;
    options->cpu = *std::move(cpu);
    return true;
  }
  if (name == "--coalesce") {
    return absl::SimpleAtoi(value, &options->coalesce) && options->coalesce >= 1 &&
           options->coalesce <= kCoalesceMax;
  }
  if (name == "--op") return absl::SimpleAtoi(value, &options->op);
  return false;
}

}  // namespace

absl::Status ParseLimitOptions(absl::Span<const char* const> args, LimitOptions* options) {
  for (size_t i = 0; i < args.size(); ++i) {
    const absl::string_view name = args[i];
    if (name == "--help" || name == "--json") {
      (name == "--help" ? options->help : options->json) = true;
      continue;
    }
    if (++i == args.size() || !Set(name, args[i], options)) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", name, i < args.size() ? absl::StrCat(" ", args[i]) : "",
                       "\" is no option with a value that will do: see --help."));
    }
  }
  return absl::OkStatus();
}

}  // namespace halley::limit
