#include "wire/http_file.h"

#include <gtest/gtest.h>

namespace halley::wire {
namespace {

TEST(HttpFile, IsAWholeResponseByteForByte) {
  const HttpFile file = MakeHttpFile("/a", "Content-Type: text/plain\r\n", "body\r\n\r\n");
  EXPECT_EQ(file.path, "/a");
  const std::string head =
      "HTTP/1.1 200 OK\r\n"
      "Content-Length: 8\r\n"
      "Content-Type: text/plain\r\n"
      "Cache-Control: no-cache\r\n"
      "X-Content-Type-Options: nosniff\r\n"
      "Connection: close\r\n"
      "\r\n";
  EXPECT_EQ(file.response, head + "body\r\n\r\n");
  EXPECT_EQ(file.head_bytes, head.size());
}

TEST(HttpFile, MayBeEmpty) {
  const HttpFile file = MakeHttpFile("/", "", "");
  EXPECT_EQ(file.head_bytes, file.response.size());
  EXPECT_NE(file.response.find("Content-Length: 0\r\n"), std::string::npos);
}

}  // namespace
}  // namespace halley::wire
