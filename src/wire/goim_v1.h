// goim v1's protocol for clients: goim's frame with fewer ops, one of which, 5, is that of every
// push. On TCP frames, on WebSocket frames in binary messages (as of October 2016), or JSON text:
//
//   up    {"ver":1,"op":7,"seq":1,"body":"123"}                 one in a message
//   down  [{"ver":1,"op":5,"seq":0,"body":{"a":1}}]             an array (v1.2)
//         {"ver":1,"op":5,"seq":0,"body":{"a":1}}               or not (v1.0, v1.1)
//
// In JSON a body goes down as the value that it is; as a string where it is none, and in base64 in
// "body64" where it is not UTF-8; {} where it is empty. Up, a string stands for its content, and any
// other value for its JSON text.
//
// Source     goim v1.2 libs/proto/proto.go, libs/define/operation.go, comet/operation.go; for binary
//            WebSocket goim a43a892, the last before v2.
// Ownership  Borrow for the call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/goim_frame.h"

namespace halley::wire {

namespace op {
inline constexpr int32_t kSendSms = 4;
inline constexpr int32_t kSendSmsReply = 5;  // and every push
inline constexpr int32_t kTest = 254;
inline constexpr int32_t kTestReply = 255;
}  // namespace op

inline constexpr size_t kGoimV1BodyBytesMax = 1024;  // from a client

inline bool IsGoimV1(Encoding encoding) {
  return encoding >= Encoding::kGoimV1Tcp && encoding <= Encoding::kGoimV1LongPoll;
}

// What a request of op 4 or 254 is answered with: its own body, or a test's.
GoimFrame GoimV1Answer(const GoimFrame& request);

// As AppendReply(), which asks for this. A heartbeat's answer has no body, whatever the caller says;
// who polls has no answers at all.
void AppendGoimV1Reply(Encoding encoding, const GoimFrame& reply, std::string* out);

// What precedes the body of a push where frames are spoken: on WebSocket the header of the message;
// and that of the frame, unless the body is `framed` by AppendGoimV1Frames().
size_t WriteGoimV1Prefix(Encoding encoding, size_t body_bytes, bool framed,
                         char (&to)[kPushPrefixBytesMax]);
// Appends each frame of a batch, which IsGoimBatch(), as v1's clients get it.
void AppendGoimV1Frames(std::string_view batch, std::string* out);

// Appends a push where JSON is spoken, framed as WebSocket: one message, or one for each frame of a
// batch where each holds an object. `batch` as in WritePushPrefix(); a body that is none is one
// message. For who polls it is the text alone: an object, or an array of those in a batch.
void AppendGoimV1JsonPush(Encoding encoding, std::string_view body, bool batch, std::string* out);

}  // namespace halley::wire
