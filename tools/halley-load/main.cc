#include <cstdio>
#include <string>
#include <vector>

#include "halley-load/options.h"
#include "halley-load/report.h"
#include "halley-load/run.h"

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitCannotConnect = 3;

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "halley-load: %s\n", std::string(status.message()).c_str());
  return status.code() == absl::StatusCode::kInvalidArgument ? kExitUsage : kExitCannotConnect;
}

}  // namespace

int main(int argc, char** argv) {
  halley::load::LoadOptions options;
  const std::vector<const char*> args(argv + 1, argv + argc);
  const absl::Status parsed = halley::load::ParseOptions(args, &options);
  if (!parsed.ok()) return Fail(parsed);
  if (options.help) {
    std::fputs(halley::load::HelpText().c_str(), stdout);
    return 0;
  }
  const absl::StatusOr<halley::load::RunReport> report = halley::load::RunLoad(options);
  if (!report.ok()) return Fail(report.status());
  const std::vector<std::string> failures = halley::load::Judge(options, *report);
  const std::string text = options.json ? halley::load::JsonReport(options, *report, failures)
                                        : halley::load::TextReport(options, *report, failures);
  std::fputs(text.c_str(), stdout);
  return failures.empty() ? 0 : kExitFailed;
}
