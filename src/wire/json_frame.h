// goim's frames as JSON text, for WebSocket clients that connect to /json: what a person can type.
//
//   {"op": 7, "seq": 1, "body": {"mid": 123, "room_id": "live://1000", "accepts": [1000]}}
//
// Up, `op` must be there; `seq` may; `body` is text, or any other value, which stands for its JSON
// text, so that a token can be written as it is. For ops 14 and 16 it may be a list of numbers.
// Down, `body` is a string; `body64` in its place, in base64, where the bytes are not UTF-8; and a
// number in the answer to a heartbeat. A batch comes as an array of such objects.
//
// Threads    Any; the parser's memory is the calling thread's.
// Ownership  Borrow for the call, but for what DecodeJsonFrame() says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/goim_frame.h"

namespace halley::wire {

// A whole message: kDone, kBad or kTooBig, the last by the bytes of the body. `frame->body` is
// there until this thread's next call.
DecodeStatus DecodeJsonFrame(std::string_view message, size_t body_bytes_max, GoimFrame* frame);
// The same of goim v1's clients (wire/goim_v1.h), who may say `ver`, too, and are told it again.
DecodeStatus DecodeGoimV1JsonFrame(std::string_view message, size_t body_bytes_max,
                                   GoimFrame* frame);

// Appends the payload of the text message that a reply or a push is. `batch` as in
// WritePushPrefix(); a body that is none is sent as one of op 9.
void AppendJsonReply(const GoimFrame& reply, std::string* out);
void AppendJsonPush(int32_t op, std::string_view body, bool batch, std::string* out);

// Appends the text, which is UTF-8, as a JSON string.
void AppendJsonString(std::string_view text, std::string* out);
// Appends goim's token for who has a key and perhaps a token of another protocol's:
// {"key":"John","mid":0,"token":"..."}. Both are UTF-8.
void AppendJsonLogin(std::string_view key, std::string_view token, std::string* out);
// Appends the text without the space that JSON does not need, where it is a JSON value that nests no
// deeper than a token may; false, and nothing appended, where it is none.
bool AppendJsonValue(std::string_view text, std::string* out);

}  // namespace halley::wire
