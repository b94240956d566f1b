// DecodeBase64Url: base64url without padding (RFC 7515 2), in its one canonical form.
//
// Source  RFC 4648 5 and 3.5: bits that pad the last character are zero. Any other text that would
//         decode to the same bytes is refused, so that a token is written in one way only.
#pragma once

#include <string>
#include <string_view>

namespace halley::backend {

// Replaces `*bytes`. False: not canonical, and `*bytes` is anything.
bool DecodeBase64Url(std::string_view text, std::string* bytes);

}  // namespace halley::backend
