#include "wire/origin.h"

#include "base/char_set.h"
#include "wire/http_text.h"

namespace halley::wire {
namespace {

constexpr base::CharSet kLabelChars("-._");

bool StartsWith(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && Is(text.substr(0, lower.size()), lower);
}

bool EndsWith(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && Is(text.substr(text.size() - lower.size()), lower);
}

bool Matches(std::string_view origin, std::string_view pattern) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return Is(origin, pattern);
  if (pattern == "*") return true;
  const std::string_view before = pattern.substr(0, star);
  const std::string_view after = pattern.substr(star + 1);
  if (!StartsWith(origin, before) || !EndsWith(origin, after)) return false;
  // The dot of "*.host" is in `after`, so something must stand before it, and nothing but labels.
  if (origin.size() <= before.size() + after.size()) return false;
  const size_t labels = origin.size() - before.size() - after.size();
  return kLabelChars.HasAllOf(origin.substr(before.size(), labels));
}

// "a.example:80" without ":80"; "[::1]" stays.
std::string_view WithoutPort(std::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon == std::string_view::npos) return host;
  const bool is_port = std::ranges::all_of(host.substr(colon + 1),
                                           [](char c) { return c >= '0' && c <= '9'; });
  return is_port ? host.substr(0, colon) : host;
}

bool IsOfHost(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!StartsWith(origin, scheme)) continue;
    const std::string_view theirs = WithoutPort(origin.substr(scheme.size()));
    return !theirs.empty() && std::ranges::equal(theirs, WithoutPort(host), {}, Lower, Lower);
  }
  return false;
}

}  // namespace

bool OriginPolicy::Allows(std::string_view origin, std::string_view host, bool cookies) const {
  if (allowed_.empty() && !cookies) return true;
  for (const std::string& pattern : allowed_) {
    if (Matches(origin, pattern)) return true;
  }
  return IsOfHost(origin, host);
}

}  // namespace halley::wire
