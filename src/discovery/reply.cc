#include "discovery/reply.h"

#include <simdjson.h>

#include <algorithm>

#include "absl/strings/string_view.h"
#include "base/assert.h"
#include "config/node_list.h"

namespace halley::discovery {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::string_view kScheme = "grpc://";

// The text as an object whose code is known.
class Document {
 public:
  explicit Document(std::string_view text) {
    if (text.size() > kReplyBytesMax) return;
    const auto error = parser_.allocate(simdjson::dom::MINIMAL_DOCUMENT_CAPACITY, kReplyDepthMax);
    HALLEY_ASSERT(error == simdjson::SUCCESS);
    if (parser_.parse(text.data(), text.size()).get(root_) != simdjson::SUCCESS) return;
    good_ = root_.at_key("code").get(code_) == simdjson::SUCCESS;
  }

  bool good() const { return good_; }
  int64_t code() const { return code_; }
  object root() const { return root_; }

 private:
  simdjson::dom::parser parser_;
  object root_;
  int64_t code_ = 0;
  bool good_ = false;
};

// Of an instance; empty: it has none.
std::string AddressOf(element instance) {
  object fields;
  array addrs;
  if (instance.get(fields) != simdjson::SUCCESS) return {};
  if (fields.at_key("addrs").get(addrs) != simdjson::SUCCESS) return {};
  for (const element each : addrs) {
    std::string_view text;
    if (each.get(text) != simdjson::SUCCESS || !text.starts_with(kScheme)) continue;
    text.remove_prefix(kScheme.size());
    if (config::IsNode({text.data(), text.size()})) return std::string(text);
  }
  return {};
}

void TakeZone(element zone, Listing* listing) {
  array instances;
  if (zone.get(instances) != simdjson::SUCCESS) return;
  for (const element instance : instances) {
    std::string address = AddressOf(instance);
    if (address.empty()) {
      ++listing->left_out;
    } else {
      listing->addresses.push_back(std::move(address));
    }
  }
}

}  // namespace

std::optional<int64_t> ReadCode(std::string_view text) {
  const Document document(text);
  if (!document.good()) return std::nullopt;
  return document.code();
}

std::optional<Listing> ReadListing(std::string_view text, std::string_view appid,
                                   std::string_view zone) {
  const Document document(text);
  object data, app, zones;
  Listing listing;
  if (!document.good() || document.root().at_key("data").get(data) != simdjson::SUCCESS ||
      data.at_key(appid).get(app) != simdjson::SUCCESS ||
      app.at_key("instances").get(zones) != simdjson::SUCCESS ||
      app.at_key("latest_timestamp").get(listing.latest) != simdjson::SUCCESS ||
      listing.latest <= 0) {
    return std::nullopt;
  }
  element own;
  if (zones.at_key(zone).get(own) == simdjson::SUCCESS) TakeZone(own, &listing);
  if (listing.addresses.empty()) {
    listing.left_out = 0;
    for (const simdjson::dom::key_value_pair& each : zones) TakeZone(each.value, &listing);
  }
  std::sort(listing.addresses.begin(), listing.addresses.end());
  const auto last = std::unique(listing.addresses.begin(), listing.addresses.end());
  listing.addresses.erase(last, listing.addresses.end());
  return listing;
}

}  // namespace halley::discovery
