#include "wire/vectors.h"

#include <cstddef>
#include <fstream>
#include <iterator>

#include "base/assert.h"

namespace halley::wire::testing {
namespace {

char Escaped(char letter) {
  if (letter == 'r') return '\r';
  if (letter == 'n') return '\n';
  if (letter == 't') return '\t';
  HALLEY_ASSERT(letter == '"' || letter == '\\');
  return letter;
}

}  // namespace

std::string ParseVector(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string bytes;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '#') {
      at = text.find('\n', at);
      if (at == std::string_view::npos) break;
    } else if (text[at] == '"') {
      for (++at; text.at(at) != '"'; ++at) {
        bytes.push_back(text[at] == '\\' ? Escaped(text.at(++at)) : text[at]);
      }
    } else if (std::string_view(" \t\r\n|").find(text[at]) == std::string_view::npos) {
      const size_t high = kDigits.find(text[at]);
      const size_t low = kDigits.find(text.at(++at));
      HALLEY_ASSERT(high != std::string_view::npos && low != std::string_view::npos);
      bytes.push_back(static_cast<char>(high * 16 + low));
    }
  }
  return bytes;
}

std::string LoadVectorFile(const std::string& path) {
  std::ifstream file(path);
  HALLEY_ASSERT(file.good());
  return ParseVector(std::string(std::istreambuf_iterator<char>(file), {}));
}

std::string LoadVector(const std::string& name) {
  return LoadVectorFile(HALLEY_VECTORS_DIR "/" + name + ".hex");
}

}  // namespace halley::wire::testing
