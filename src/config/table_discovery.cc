// The option table: how the node is found, and finds others.
#include <iterator>

#include "absl/strings/string_view.h"
#include "config/spec_makers.h"
#include "config/table_parts.h"

namespace halley::config {
namespace {

constexpr absl::string_view kDiscoveryKinds[] = {"none", "static", "bilibili"};
static_assert(std::size(kDiscoveryKinds) == static_cast<size_t>(DiscoveryKind::kBilibili) + 1);

constexpr auto kDiscovery = &Options::discovery;

constexpr OptionSpec kRows[] = {
    Choice<kDiscovery, &DiscoveryOptions::kind>(
        {"discovery", "kind"}, kDiscoveryKinds,
        "bilibili: the node registers with goim's registry, and finds goim's logic there; static: logic is "
        "where discovery.static_addresses say"),
    Text<kDiscovery, &DiscoveryOptions::nodes>(
        {"discovery", "nodes"}, Kind::kText, kTextBytesMax,
        "host:port of the registry's nodes, separated by commas; when one fails the next is asked"),
    Text<kDiscovery, &DiscoveryOptions::region>(
        {"discovery", "region"}, Kind::kText, kNameBytesMax,
        "the region that the node says it is in; empty: what the environment variable REGION says"),
    Text<kDiscovery, &DiscoveryOptions::zone>(
        {"discovery", "zone"}, Kind::kText, kNameBytesMax,
        "its zone, whose logic is preferred; empty: what ZONE says"),
    Text<kDiscovery, &DiscoveryOptions::env>(
        {"discovery", "env"}, Kind::kText, kNameBytesMax,
        "which of the registry's environments; empty: what DEPLOY_ENV says"),
    Text<kDiscovery, &DiscoveryOptions::host>(
        {"discovery", "host"}, Kind::kText, kNameBytesMax,
        "the name that tells this node from all others; empty: the host's name"),
    Text<kDiscovery, &DiscoveryOptions::appid>(
        {"discovery", "appid"}, Kind::kText, kNameBytesMax,
        "what the node registers as: goim's job and logic look for goim.comet"),
    Text<kDiscovery, &DiscoveryOptions::addrs>(
        {"discovery", "addrs"}, Kind::kText, kTextBytesMax,
        "where others reach this node, like grpc://10.0.0.1:3109, separated by commas; empty: as it "
        "listens, with the host's first IPv4 address"),
    Text<kDiscovery, &DiscoveryOptions::public_addrs>(
        {"discovery", "public_addrs"}, Kind::kText, kTextBytesMax,
        "addresses for clients, separated by commas, which goim's logic tells them"),
    Number<kDiscovery, &DiscoveryOptions::weight>(
        {"discovery", "weight"}, Kind::kCount, {0, 1'048'576},
        "how many clients goim's logic sends here, beside other nodes' weights"),
    Text<kDiscovery, &DiscoveryOptions::logic_appid>(
        {"discovery", "logic_appid"}, Kind::kText, kNameBytesMax,
        "whose addresses are looked for in the registry; empty: nobody's"),
    Text<kDiscovery, &DiscoveryOptions::static_addresses>(
        {"discovery", "static_addresses"}, Kind::kText, kTextBytesMax,
        "host:port of goim's logic, separated by commas, where there is no registry"),
};

}  // namespace

absl::Span<const OptionSpec> DiscoveryOptionRows() { return kRows; }

}  // namespace halley::config
