// goim v1's long poll: an HTTP request that is a login, and whose response is the first message that
// comes. With a callback it is JavaScript, for pages of other hosts.
//
//   GET /sub?ver=1&op=7&seq=1&t=123&cb=got HTTP/1.1
//   got={"ver":1,"op":5,"seq":0,"body":"hi"}
//
// goim wrote the second line and nothing before it; here it is a response (RFC 9112).
//
// Source     goim v1.0 and v1.1 comet/http.go.
// Ownership  Borrow for the call.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace halley::wire {

// What a response has of its request.
struct LongPoll {
  std::string origin;    // of the page, which may read it; empty: no page asked
  std::string callback;  // what the message is assigned to; empty: it is JSON
};

// Reads the query of a request. False: no op 7, a version or sequence that is no number of theirs,
// or a callback that is not names of at most 64 characters, joined by dots.
bool ReadLongPoll(std::string_view query, std::string* token, std::string* callback);

// Appends what stands before the message, which has so many bytes.
void AppendLongPollHead(const LongPoll& poll, size_t message_bytes, std::string* out);

// Appends the response that says that no message has come.
void AppendLongPollEmpty(const LongPoll& poll, std::string* out);

}  // namespace halley::wire
