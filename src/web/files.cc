#include "web/files.h"

#include <array>
#include <string>

#include "web/embedded.h"

namespace halley::web {
namespace {

// The page may run what it was built with and connect to where it came from; nothing else.
std::string PageHeaders() {
  std::string headers =
      "Content-Type: text/html; charset=utf-8\r\n"
      "Referrer-Policy: no-referrer\r\n"
      "Content-Security-Policy: default-src 'none'; connect-src 'self'; img-src data:; "
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src 'self' ";
  headers.append(kIndexScriptHash).append("; style-src ").append(kIndexStyleHash).append("\r\n");
  return headers;
}

}  // namespace

absl::Span<const wire::HttpFile> Files() {
  static const auto* const files = new std::array<wire::HttpFile, 2>{
      wire::MakeHttpFile("/", PageHeaders(), kIndexHtml),
      wire::MakeHttpFile("/halley.js", "Content-Type: text/javascript; charset=utf-8\r\n",
                         kHalleyJs)};
  return *files;
}

}  // namespace halley::web
