// Tables of what a hostile or a careless client may send, beyond what conformance suites try.
//
// Every row goes through the whole decoder harness (wire/decoder_test.h): in one piece, byte by byte
// and split at every point the verdict and the close code are the same.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "session/session_feed.h"
#include "wire/decoder_test.h"

namespace halley::session::testing {

struct HostileCase {
  std::string name;
  const char* rfc;     // number and section of what it breaks, or is just allowed by
  std::string bytes;
  std::string answer;  // the transcript; what does not end its last line is only the beginning of it
};
using HostileCases = std::vector<HostileCase>;

inline constexpr char kProtocol[] = "close ws_protocol_error > 880203ea\n";
inline constexpr char kUtf8[] = "close ws_bad_utf8 > 880203ef\n";
inline constexpr char kBadFrame[] = "close bad_frame > 880203f0\n";
inline constexpr char kTooBig[] = "close frame_too_big > 880203f1\n";
inline constexpr char kClosed[] = "close peer_closed > 880203e8\n";

// A message whose header is UTF-8 itself, as op 1000's would not be; and how it is told.
inline std::string Message(std::string_view body) { return Goim(100, 1, body); }
inline std::string Told(std::string_view body) {
  return "message 1/100/1 \"" + std::string(body) + "\"\n";
}

inline void CheckHostile(const SessionDecoder& decoder, const HostileCases& cases) {
  std::set<std::string> names;
  for (const HostileCase& hostile : cases) {
    SCOPED_TRACE(hostile.name + " (RFC " + hostile.rfc + ")");
    EXPECT_TRUE(names.insert(hostile.name).second) << "named twice";
    const std::string transcript = wire::testing::CheckDecoder(decoder, hostile.bytes);
    if (hostile.answer.empty() || hostile.answer.ends_with('\n')) {
      EXPECT_EQ(transcript, hostile.answer);
    } else {
      EXPECT_EQ(transcript.substr(0, hostile.answer.size()), hostile.answer);
    }
  }
}

}  // namespace halley::session::testing
