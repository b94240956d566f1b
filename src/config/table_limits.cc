// The option table: limits against clients that abuse the node.
#include "config/spec_makers.h"
#include "config/table_parts.h"

namespace halley::config {
namespace {

constexpr auto kLimits = &Options::limits;

constexpr Range kCountRange = {0, 16'000'000};
constexpr Range kByteRange = {0, 1 * kGiB};

constexpr OptionSpec kRows[] = {
    Number<kLimits, &LimitsOptions::ip_connections>(
        {"limits", "ip_connections"}, Kind::kCount, kCountRange,
        "client connections of one address, or of one /64 of IPv6 (0: any number); more are closed as "
        "address_full"),
    Number<kLimits, &LimitsOptions::ip_connects_per_s>(
        {"limits", "ip_connects_per_s"}, Kind::kCount, kCountRange,
        "how many may connect from one address in a second, in the long run (0: any number); more are "
        "closed as address_rate"),
    Number<kLimits, &LimitsOptions::ip_connects_burst>(
        {"limits", "ip_connects_burst"}, Kind::kCount, kCountRange,
        "and how many at once; 0: as many as in one second"),
    Number<kLimits, &LimitsOptions::ip_table>(
        {"limits", "ip_table"}, Kind::kCount, {1, 16'000'000},
        "addresses that are counted and remembered, at about 48 bytes each; those beyond are let in"),
    Text<kLimits, &LimitsOptions::trusted>(
        {"limits", "trusted"}, Kind::kNetworks, kTextBytesMax,
        "networks, separated by commas, that limits of one address do not hold for"),
    Number<kLimits, &LimitsOptions::connects_per_s>(
        {"limits", "connects_per_s"}, Kind::kCount, kCountRange,
        "how many clients may connect to this node in a second, in the long run (0: any number); more "
        "are closed as connect_rate"),
    Number<kLimits, &LimitsOptions::connects_burst>(
        {"limits", "connects_burst"}, Kind::kCount, kCountRange,
        "and how many at once; 0: as many as in one second"),
    Number<kLimits, &LimitsOptions::handshakes>(
        {"limits", "handshakes"}, Kind::kCount, kCountRange,
        "connections of this node that have not logged in (0: any number); more are closed as "
        "handshakes_full"),
    Number<kLimits, &LimitsOptions::messages_per_s>(
        {"limits", "messages_per_s"}, Kind::kCount, kCountRange,
        "messages, heartbeats and pings that a client may send in a second, in the long run (0: any "
        "number); who sends more is closed as rate_limited"),
    Number<kLimits, &LimitsOptions::messages_burst>(
        {"limits", "messages_burst"}, Kind::kCount, kCountRange,
        "and how many at once; 0: as many as in one second"),
    Number<kLimits, &LimitsOptions::bytes_per_s>(
        {"limits", "bytes_per_s"}, Kind::kBytes, kByteRange,
        "bytes that a client may send in a second, in the long run (0: any number); who sends more is "
        "closed as rate_limited"),
    Number<kLimits, &LimitsOptions::bytes_burst>(
        {"limits", "bytes_burst"}, Kind::kBytes, kByteRange,
        "and how many at once; 0: as many as in one second; the largest message must fit"),
    Number<kLimits, &LimitsOptions::rooms>(
        {"limits", "rooms"}, Kind::kCount, kCountRange,
        "rooms with members on this node (0: any number); who would open one more is closed as "
        "rooms_full"),
};

}  // namespace

absl::Span<const OptionSpec> LimitsOptionRows() { return kRows; }

}  // namespace halley::config
