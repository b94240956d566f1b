// What lies beside this file for browsers, as bytes of the program: written by tools/embed_web.py
// when it is built.
#pragma once

#include <string_view>

namespace halley::web {

extern const std::string_view kIndexHtml;
extern const std::string_view kHalleyJs;
// Of the style and the script in the page, as a Content-Security-Policy names them: "'sha256-...'".
extern const std::string_view kIndexStyleHash;
extern const std::string_view kIndexScriptHash;

}  // namespace halley::web
