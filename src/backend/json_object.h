// A JSON object that somebody else wrote (RFC 8259), read without surprises.
//
// Threads    One; views die with the parser's next document.
// Limits     kJsonDepthMax.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace halley::backend {

// What is meant nests no deeper, and what is ignored little deeper.
inline constexpr size_t kJsonDepthMax = 64;

// Prepares a parser that keeps its memory from text to text.
void PrepareJsonParser(simdjson::dom::parser* parser);

// The whole of `text` as one object whose names all differ. Nullopt: it is anything else. Parsers
// differ in which of two equal names they believe, so a signed text must not have any (RFC 7519 4).
std::optional<simdjson::dom::object> ParseUniqueObject(simdjson::dom::parser* parser,
                                                       std::string_view text);

// Whether the object's own names all differ, once their escapes are read.
bool NamesDiffer(simdjson::dom::object object);

// The field of that name as text; empty when it is absent. False: it is there and is no text.
bool ReadText(simdjson::dom::object object, std::string_view name, std::string_view* text);

// A list of int32. False: anything else.
bool ReadOps(simdjson::dom::element value, std::vector<int32_t>* ops);

}  // namespace halley::backend
