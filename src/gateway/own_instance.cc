#include "gateway/own_instance.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <tuple>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "config/load.h"
#include "wire/utf8.h"

namespace halley::gateway {
namespace {

std::string OrEnvironment(const std::string& option, const char* variable) {
  if (!option.empty()) return option;
  const char* const value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = "";
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

// The first IPv4 address of an interface that is up, as goim chooses; without one, loopback.
std::string FirstAddress() {
  std::string found = "127.0.0.1";
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return found;
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    const bool fits = each->ifa_addr != nullptr && each->ifa_addr->sa_family == AF_INET &&
                      (each->ifa_flags & IFF_UP) != 0 && (each->ifa_flags & IFF_LOOPBACK) == 0;
    if (!fits) continue;
    char text[INET_ADDRSTRLEN];
    const auto* const address = reinterpret_cast<const sockaddr_in*>(each->ifa_addr);
    if (inet_ntop(AF_INET, &address->sin_addr, text, sizeof text) == nullptr) continue;
    found = text;
    break;
  }
  freeifaddrs(all);
  return found;
}

}  // namespace

absl::StatusOr<discovery::Instance> OwnInstance(const config::DiscoveryOptions& options) {
  discovery::Instance self;
  self.region = OrEnvironment(options.region, "REGION");
  self.zone = OrEnvironment(options.zone, "ZONE");
  self.env = OrEnvironment(options.env, "DEPLOY_ENV");
  self.hostname = options.host.empty() ? HostName() : options.host;
  self.appid = options.appid;
  const absl::string_view version = config::Version();
  self.version = std::string(version);
  self.public_addrs = options.public_addrs;
  self.weight = options.weight;
  self.addrs = absl::StrSplit(options.addrs, absl::ByAnyChar(", "), absl::SkipEmpty());
  const std::string* const texts[] = {&self.region, &self.zone,         &self.env,     &self.hostname,
                                      &self.appid,  &self.public_addrs, &options.addrs};
  for (const std::string* const text : texts) {
    if (wire::IsUtf8(*text)) continue;
    return absl::InvalidArgumentError(
        "a name or an address in [discovery], or one that the environment gives in its place, is not "
        "UTF-8, which JSON wants: write it in UTF-8");
  }
  if (options.kind != config::DiscoveryKind::kBilibili) return self;
  for (const auto& [name, variable, value] :
       {std::tuple("discovery.zone", "ZONE", &self.zone),
        std::tuple("discovery.env", "DEPLOY_ENV", &self.env),
        std::tuple("discovery.host", "hostname", &self.hostname)}) {
    if (!value->empty()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is empty, and so is ", variable,
                     " of the environment, but the registry wants one: set ", name));
  }
  return self;
}

std::vector<std::string> Announced(const std::vector<Bound>& bound) {
  std::vector<std::string> announced;
  for (const auto& [scheme, addresses] : bound) {
    for (const std::string& address : *addresses) {
      const size_t colon = address.rfind(':');
      const absl::string_view host = absl::string_view(address).substr(0, colon);
      const bool every = host == "0.0.0.0" || host == "[::]";
      announced.push_back(absl::StrCat(scheme, "://", every ? FirstAddress() : std::string(host),
                                       absl::string_view(address).substr(colon)));
    }
  }
  return announced;
}

}  // namespace halley::gateway
