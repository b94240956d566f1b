// Answer: what an admin request is answered with, before it is HTTP; and how answers are written.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace halley::admin {

// Of a query, decoded; a name may come several times.
using Parameters = std::multimap<std::string, std::string>;

struct Answer {
  int status = 200;
  std::string type = "application/json";
  std::string body;
};

// protobuf's own Struct is not used for JSON of no fixed shape: its map comes from a library that is
// built without our sanitizers, and under ThreadSanitizer the two do not agree on where it lies.

// The message in protobuf's JSON mapping, with the names of its fields as they stand and those
// written, too, that are zero.
Answer JsonAnswer(const google::protobuf::Message& message, int status = 200);
Answer TextAnswer(std::string text, int status = 200);
// A status that is not OK: {"error": "..."} with the HTTP status that fits.
Answer ErrorAnswer(const absl::Status& status);
// The HTTP status for one of ours.
int HttpStatusOf(const absl::Status& status);

// For JSON, which is UTF-8: what is no part of a character becomes U+FFFD.
std::string ReadableText(absl::string_view text);

}  // namespace halley::admin
