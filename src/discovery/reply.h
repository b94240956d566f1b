// Replies: what bilibili discovery answers, as far as it matters here. Nobody's word is taken for more
// than it is: what is not as it should be is told apart from what says no.
//
// Limits     Text of kReplyBytesMax, nesting of kReplyDepthMax.
// Source     bilibili/discovery http/discovery.go, model/instance.go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halley::discovery {

inline constexpr size_t kReplyBytesMax = size_t{4} << 20;
inline constexpr size_t kReplyDepthMax = 32;

inline constexpr int64_t kCodeOk = 0;
inline constexpr int64_t kCodeNotModified = -304;
inline constexpr int64_t kCodeNotFound = -404;

// Nullopt: the text is no object with a code.
std::optional<int64_t> ReadCode(std::string_view text);

// Where the instances of an application are.
struct Listing {
  int64_t latest = 0;                  // when they last changed, by the registry's count
  std::vector<std::string> addresses;  // "10.0.0.1:3119" of each grpc://, in order and each once
  size_t left_out = 0;                 // instances without such an address
};

// Of the answer to a poll whose code is 0. Instances of `zone` if there are any, else of all zones, as
// goim's resolver chooses. Nullopt: there is no such list in it.
std::optional<Listing> ReadListing(std::string_view text, std::string_view appid,
                                   std::string_view zone);

}  // namespace halley::discovery
