#include "web/files.h"

#include <gtest/gtest.h>

#include <string_view>

#include "web/embedded.h"

namespace halley::web {
namespace {

const wire::HttpFile& File(std::string_view path) {
  for (const wire::HttpFile& file : Files()) {
    if (file.path == path) return file;
  }
  ADD_FAILURE() << path;
  return Files().front();
}

std::string_view HeadOf(const wire::HttpFile& file) {
  return std::string_view(file.response).substr(0, file.head_bytes);
}
std::string_view BodyOf(const wire::HttpFile& file) {
  return std::string_view(file.response).substr(file.head_bytes);
}

TEST(WebFiles, AreThePageAndItsClient) {
  EXPECT_EQ(Files().size(), 2u);
  EXPECT_EQ(BodyOf(File("/")), kIndexHtml);
  EXPECT_EQ(BodyOf(File("/halley.js")), kHalleyJs);
  EXPECT_TRUE(kIndexHtml.starts_with("<!DOCTYPE html>") && kIndexHtml.ends_with("</html>\n"));
  EXPECT_NE(kHalleyJs.find("export class HalleyClient"), std::string_view::npos);
}

// A socket's send buffer takes each at once, where it is as large as it is by default.
TEST(WebFiles, AreSmall) {
  for (const wire::HttpFile& file : Files()) EXPECT_LT(file.response.size(), 48u << 10) << file.path;
}

TEST(WebFiles, ThePageRunsWhatItWasBuiltWithAndNothingElse) {
  const std::string_view head = HeadOf(File("/"));
  EXPECT_NE(head.find("default-src 'none'; connect-src 'self'"), std::string_view::npos) << head;
  EXPECT_NE(head.find(kIndexScriptHash), std::string_view::npos);
  EXPECT_NE(head.find(kIndexStyleHash), std::string_view::npos);
  EXPECT_EQ(head.find("unsafe"), std::string_view::npos);
  EXPECT_EQ(head.find('*'), std::string_view::npos);
}

// XML's namespaces are names, not hosts.
TEST(WebFiles, ThePageNeedsNoOtherHost) {
  for (size_t at = 0; (at = kIndexHtml.find("://", at)) != std::string_view::npos; ++at) {
    const std::string_view before = kIndexHtml.substr(at > 8 ? at - 8 : 0, 24);
    EXPECT_TRUE(before.find("live://") != std::string_view::npos ||
                before.find("http://www.w3.org") != std::string_view::npos ||
                before.find("{scheme}://${lo") != std::string_view::npos)
        << before;
  }
}

}  // namespace
}  // namespace halley::web
