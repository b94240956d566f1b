// What lies beside this file for those who ask, and in page/ for browsers, as bytes of the program:
// written by tools/embed_file.py when it is built.
#pragma once

#include <string_view>

namespace halley::admin {

extern const std::string_view kOpenApi;

extern const std::string_view kPageHtml;
extern const std::string_view kPageCss;
extern const std::string_view kPageMain;
extern const std::string_view kPageApi;
extern const std::string_view kPageFigures;
extern const std::string_view kPageChart;
extern const std::string_view kPageTryout;

}  // namespace halley::admin
