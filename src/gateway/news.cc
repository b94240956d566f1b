#include "gateway/news.h"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

#include "gateway/logging.h"

namespace halley::gateway {
namespace {

std::string MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace

// An address may be a URL whose path is nobody's business.
void TellOfAddress(const remote::AddressNews& news) {
  std::string_view host = news.name;
  const size_t scheme = host.find("://");
  host = host.substr(0, host.find('/', scheme == std::string_view::npos ? 0 : scheme + 3));
  if (news.open) {
    LogSome(LogKind::kBackend, spdlog::level::info,
            fmt::format("the backend at {} can be asked again", host));
  } else {
    LogSome(LogKind::kBackend, spdlog::level::warn,
            fmt::format("the backend at {} cannot be asked: {}", host, news.why));
  }
}

void TellOfKeys(const absl::Status& status) {
  if (status.ok()) {
    LogSome(LogKind::kTokenKeys, spdlog::level::info,
            "new logins need the token keys that were fetched from jwt.jwks_url");
  } else {
    LogSome(LogKind::kTokenKeys, spdlog::level::err,
            "the token keys in use stay: " + MessageOf(status));
  }
}

void TellOfRegistry(const absl::Status& status) {
  if (status.ok()) {
    LogSome(LogKind::kRegistry, spdlog::level::info, "the node is registered");
  } else {
    LogSome(LogKind::kRegistry, spdlog::level::err, MessageOf(status));
  }
}

void TellOfJournal(bool warning, std::string_view line) {
  spdlog::log(warning ? spdlog::level::warn : spdlog::level::info, "{}", line);
}

}  // namespace halley::gateway
