#include "wire/http_file.h"

namespace halley::wire {

HttpFile MakeHttpFile(std::string_view path, std::string_view headers, std::string_view body) {
  HttpFile file{.path = std::string(path)};
  file.response.append("HTTP/1.1 200 OK\r\nContent-Length: ").append(std::to_string(body.size()));
  file.response.append("\r\n").append(headers).append(
      "Cache-Control: no-cache\r\n"
      "X-Content-Type-Options: nosniff\r\n"
      "Connection: close\r\n\r\n");
  file.head_bytes = file.response.size();
  file.response.append(body);
  return file;
}

}  // namespace halley::wire
