// What lies beside this file for those who ask, as bytes of the program: written by
// tools/embed_file.py when it is built.
#pragma once

#include <string_view>

namespace halley::admin {

extern const std::string_view kOpenApi;

}  // namespace halley::admin
