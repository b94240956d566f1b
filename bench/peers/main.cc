// fan-client: halley-load's engine and books against another server.
//
// usage: fan-client PEER and halley-load's options; --push is where PEER takes pushes.
#include <cstdio>
#include <string>
#include <vector>

#include "halley-load/options.h"
#include "halley-load/report.h"
#include "peers/peers.h"

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitCannotConnect = 3;

int Fail(absl::string_view what, int code) {
  std::fprintf(stderr, "fan-client: %s\n", std::string(what).c_str());
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  std::optional<halley::load::Server> server = halley::peers::PeerServer(name);
  if (!server.has_value()) {
    return Fail("\"" + name + "\" is no peer: name one of " + std::string(halley::peers::kPeers) +
                    ", then halley-load's options.",
                kExitUsage);
  }
  halley::load::LoadOptions options;
  const absl::Status parsed =
      halley::load::ParseOptions(std::vector<const char*>(argv + 2, argv + argc), &options);
  if (!parsed.ok()) return Fail(parsed.message(), kExitUsage);
  const absl::StatusOr<halley::load::RunReport> report =
      halley::load::RunLoad(options, *std::move(server));
  if (!report.ok()) return Fail(report.status().message(), kExitCannotConnect);
  const std::vector<std::string> failures = halley::load::Judge(options, *report);
  const std::string text = options.json
                               ? halley::load::JsonReport(options, *report, failures)
                               : halley::load::TextReport(options, *report, failures);
  std::fputs(text.c_str(), stdout);
  return failures.empty() ? 0 : kExitFailed;
}
