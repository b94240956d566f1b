#include "discovery/call.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace halley::discovery {
namespace {

// Of a registry that is there; its own client waits for as long at most to connect.
constexpr uint32_t kDeadlineMs = 3'000;
// The registry answers a poll within 30 s.
constexpr uint32_t kPollDeadlineMs = 40'000;
constexpr char kUp[] = "1";

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

void AppendEscaped(std::string_view text, std::string* out) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || c == '-' || c == '_' || c == '.' || c == '~') {
      *out += c;
    } else if (c == ' ') {
      *out += '+';
    } else {
      *out += '%';
      *out += kDigits[byte >> 4];
      *out += kDigits[byte & 15];
    }
  }
}

class Form {
 public:
  Form& Add(std::string_view name, std::string_view value) {
    if (!text_.empty()) text_ += '&';
    AppendEscaped(name, &text_);
    text_ += '=';
    AppendEscaped(value, &text_);
    return *this;
  }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

std::string_view PathOf(Verb verb) {
  switch (verb) {
    case Verb::kRegister: return "register";
    case Verb::kRenew: return "renew";
    case Verb::kSet: return "set";
    case Verb::kCancel: break;
  }
  return "cancel";
}

}  // namespace

void WriteMetadata(const Instance& self, const Load& load, wire::JsonWriter* json) {
  json->BeginObject();
  json->Key("addrs").Text(self.public_addrs);
  json->Key("conn_count").Text(std::to_string(load.connections));
  json->Key("ip_count").Text(std::to_string(load.ips));
  json->Key("offline").Text(load.offline ? "true" : "false");
  json->Key("weight").Text(std::to_string(self.weight));
  json->EndObject();
}

Call CallFor(Verb verb, std::string_view node, const Instance& self, const Load& load) {
  const bool whole = verb == Verb::kRegister;
  const bool told = whole || verb == Verb::kSet;
  wire::JsonWriter metadata;
  WriteMetadata(self, load, &metadata);
  Form form;
  if (whole) {
    for (const std::string& address : self.addrs) form.Add("addrs", address);
  }
  form.Add("appid", self.appid).Add("env", self.env).Add("hostname", self.hostname);
  if (told) form.Add("metadata", metadata.text());
  form.Add("region", self.region);
  if (told) form.Add("status", kUp).Add("version", self.version);
  form.Add("zone", self.zone);
  return {absl::StrCat("http://", View(node), "/discovery/", View(PathOf(verb))),
          std::move(form).text(), kDeadlineMs};
}

Call PollCall(std::string_view node, const Instance& self, std::string_view appid, int64_t latest) {
  Form query;
  query.Add("appid", appid).Add("env", self.env).Add("hostname", self.hostname);
  query.Add("latest_timestamp", std::to_string(latest));
  return {absl::StrCat("http://", View(node), "/discovery/polls?", std::move(query).text()), "",
          kPollDeadlineMs};
}

}  // namespace halley::discovery
