// LoginObject: goim's login token, a JSON object that a client writes of itself:
//   {"mid":123,"key":"","room_id":"live://1000","platform":"web","accepts":[1000,1001]}
// Every field may be absent, unknown ones are ignored, one of the wrong type spoils the whole. A
// "token" beside them, where there is one, is a text for who verifies it.
//
// Source     goim v2 internal/logic/conn.go, and what its clients send.
// Ownership  Views die with the parser's next document.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace halley::backend {

struct LoginObject {
  int64_t mid = 0;
  std::string_view key;
  std::string_view room;
  std::vector<int32_t> accepts;
  std::string_view token;  // empty, too, when it is no text
};

// False: not such an object. Of a name that comes twice the last value counts, and null is as good
// as nothing; both as in Go's encoding/json, which goim uses.
bool ReadLoginObject(simdjson::dom::parser* parser, std::string_view text, LoginObject* login);

}  // namespace halley::backend
