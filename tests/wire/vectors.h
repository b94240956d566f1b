// Byte vectors of tests/vectors, shared by tests and fuzz seeds.
//
// A .hex file: pairs of hex digits, "text" with the escapes \r \n \t \" \\, '|' and white space to
// be read past, and '#' for the rest of a line.
#pragma once

#include <string>
#include <string_view>

namespace halley::wire::testing {

// The bytes that `text` describes. Aborts on anything else: vectors are ours.
std::string ParseVector(std::string_view text);

// Those of a file, given by its path.
std::string LoadVectorFile(const std::string& path);

// Those of tests/vectors/<name>.hex.
std::string LoadVector(const std::string& name);

}  // namespace halley::wire::testing
