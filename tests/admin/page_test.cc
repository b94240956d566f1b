#include "admin/page.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

namespace halley::admin {
namespace {

TEST(Page, ItsFilesAreThereAndNameNoOtherHost) {
  std::set<std::string> paths;
  for (const PageFile& file : PageFiles()) {
    EXPECT_TRUE(paths.insert(file.path).second) << file.path;
    EXPECT_FALSE(file.bytes.empty()) << file.path;
    const std::string text(file.bytes);
    // What is loaded, imported or asked for is relative; what stands in a comment of halley.js is localhost.
    for (const char* from : {"src=\"http", "href=\"http", "src=\"//", "href=\"//", "from \"http", "url(http"}) {
      EXPECT_EQ(text.find(from), std::string::npos) << file.path << ": " << from;
    }
  }
  EXPECT_EQ(paths, (std::set<std::string>{"/", "/halley.js", "/page/api.js", "/page/chart.js",
                                          "/page/figures.js", "/page/main.js", "/page/page.css",
                                          "/page/tryout.js"}));
}

TEST(Page, NothingInItRunsInline) {
  const std::string page(PageFiles()[0].bytes);
  EXPECT_EQ(page.find("<style"), std::string::npos);
  EXPECT_EQ(page.find(" style="), std::string::npos);
  EXPECT_FALSE(std::regex_search(page, std::regex(R"(\son[a-z]+\s*=)"))) << "a handler in an attribute";
  EXPECT_NE(page.find("<script type=\"module\" src=\"page/main.js\"></script>"), std::string::npos);
}

TEST(Page, ThePolicyNamesTheWebSocketPortsOfTheHost) {
  const std::string policy = PagePolicy("127.0.0.1:3111", 3102, 3103);
  EXPECT_NE(policy.find("connect-src 'self' ws://127.0.0.1:3102 wss://127.0.0.1:3103;"), std::string::npos)
      << policy;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_NE(PagePolicy("node-1.example", 3102, 0).find("connect-src 'self' ws://node-1.example:3102;"),
            std::string::npos);
  EXPECT_NE(PagePolicy("localhost:3111", 0, 0).find("connect-src 'self';"), std::string::npos);
}

TEST(Page, AHostThatAPolicyCannotNameDoesNotGetIntoIt) {
  for (const char* host : {"[::1]:3111", "", ":3111", "a b", "evil;script-src *", "x'y", "a,b:1", "a\r\nb",
                           "\xc3\xa4:3111"}) {
    const std::string policy = PagePolicy(host, 3102, 0);
    EXPECT_NE(policy.find("connect-src 'self' ws://*:3102; base-uri"), std::string::npos) << policy;
  }
}

}  // namespace
}  // namespace halley::admin
