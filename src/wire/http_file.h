// A file that GET and HEAD on its path are answered with: the whole response, there before anybody
// asks, so that answering is sending bytes that stay where they are.
//
// Threads    Immutable.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace halley::wire {

struct HttpFile {
  std::string path;      // "/halley.js"
  std::string response;  // status line, headers, empty line, body
  size_t head_bytes = 0;  // of the response without its body: what HEAD is answered with
};

// `headers` are the file's own, each with CRLF; Content-Length, Cache-Control: no-cache, nosniff and
// Connection: close are added.
HttpFile MakeHttpFile(std::string_view path, std::string_view headers, std::string_view body);

}  // namespace halley::wire
