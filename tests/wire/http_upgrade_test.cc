#include "wire/http_upgrade.h"

#include <gtest/gtest.h>

#include <string>

#include "wire/decoder_test.h"
#include "wire/http_answer.h"
#include "wire/vectors.h"

namespace halley::wire {
namespace {

using testing::CheckDecoder;
using testing::LoadVector;
using testing::Step;

struct UpgradeDecoder {
  UpgradeLimits limits{.header_bytes_max = 1024, .headers_max = 12};
  size_t scanned = 0;

  Step Next(Inbox* inbox, std::string* transcript) {
    UpgradeRequest request;
    UpgradeRefusal refusal = UpgradeRefusal::kCount_;
    const size_t scanned_before = scanned;
    switch (ParseUpgrade(inbox->view(), limits, &scanned, &request, &refusal)) {
      case UpgradeStatus::kMore:
        EXPECT_GE(scanned, scanned_before);
        EXPECT_EQ(scanned, inbox->size()) << "no byte is searched twice";
        return Step::kMore;
      case UpgradeStatus::kDone:
        transcript->append(request.key).append(" [").append(request.cookie).append("] ");
        transcript->append(std::to_string(request.bytes));
        return Step::kOver;
      case UpgradeStatus::kFile:
        transcript->append(request.response).append(std::to_string(request.bytes));
        return Step::kOver;
      case UpgradeStatus::kRefused:
        transcript->append(Status(refusal));
        return Step::kOver;
    }
    return Step::kOver;
  }
  size_t inbox_bytes_max() const { return limits.header_bytes_max; }

  static std::string Status(UpgradeRefusal refusal) {
    std::string out;
    AppendUpgradeRefused(refusal, &out);
    return out.substr(9, 3);
  }
};

constexpr std::string_view kGoodEnd =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

std::string Good(std::string_view more_headers) {
  return "GET /sub HTTP/1.1\r\nHost: a\r\n" + std::string(more_headers) + std::string(kGoodEnd);
}

TEST(HttpUpgrade, TakesWhatABrowserSendsWithViewsOfKeyAndCookie) {
  const std::string request = LoadVector("ws_upgrade_request");
  const std::string expected =
      "dGhlIHNhbXBsZSBub25jZQ== [sid=1; theme=\"dark\"] " + std::to_string(request.size());
  EXPECT_EQ(CheckDecoder(UpgradeDecoder{}, request), expected);
  EXPECT_EQ(CheckDecoder(UpgradeDecoder{}, request + "\x82\x80 and frames behind it"), expected);
}

TEST(HttpUpgrade, TakesWhatIsUnusualButClear) {
  for (const char* headers :
       {"", "Connection: close, , upgrade,\r\n", "Upgrade: h2c\r\n", "X:\r\n", "X:y\r\n",
        "X: a:b \t\r\n", "X-Utf8: gr\xC3\xBC\xC3\x9F\r\n", "content-length: 0\r\n", "Cookie:\r\n",
        "Origin: null\r\n", "!#$%&'*+-.^_`|~: token\r\n"}) {
    const std::string request = Good(headers);
    EXPECT_EQ(CheckDecoder(UpgradeDecoder{}, request),
              "dGhlIHNhbXBsZSBub25jZQ== [] " + std::to_string(request.size()))
        << headers;
  }
}

// Lists may be spread over several lines, in any order.
TEST(HttpUpgrade, JoinsTheListsOfSeveralLines) {
  std::string request = Good("");
  request.insert(request.size() - 2, "Upgrade: h2c\r\nConnection: keep-alive\r\n");
  EXPECT_EQ(CheckDecoder(UpgradeDecoder{}, request).substr(0, 3), "dGh");
}

// What was agreed on: "subprotocol|deflate"; or the refusal's status.
std::string AgreedOn(const std::string& headers, const UpgradeLimits& limits) {
  const std::string text = Good(headers);
  UpgradeRequest request;
  UpgradeRefusal refusal = UpgradeRefusal::kCount_;
  size_t scanned = 0;
  if (ParseUpgrade(text, limits, &scanned, &request, &refusal) != UpgradeStatus::kDone) {
    return refusal == UpgradeRefusal::kForeignOrigin ? "403" : "400";
  }
  return std::string(request.subprotocol) + (request.deflate.agreed ? "|deflate" : "|");
}

TEST(HttpUpgrade, AgreesOnTheClientsFirstSubprotocolThatIsOurs) {
  const UpgradeLimits limits{.subprotocols = "goim, v2.chat"};
  const struct {
    std::string headers;
    std::string agreed;
  } kRows[] = {
      {"", "|"},
      {"Sec-WebSocket-Protocol: goim\r\n", "goim|"},
      {"Sec-WebSocket-Protocol: mqtt, v2.chat, goim\r\n", "v2.chat|"},
      {"Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Protocol: goim\r\n", "goim|"},
      {"Sec-WebSocket-Protocol: Goim\r\n", "|"},
      {"Sec-WebSocket-Protocol: goim v2.chat\r\n", "|"},
      {"Sec-WebSocket-Protocol: ,,\r\n", "|"},
  };
  for (const auto& row : kRows) EXPECT_EQ(AgreedOn(row.headers, limits), row.agreed) << row.headers;
  EXPECT_EQ(AgreedOn("Sec-WebSocket-Protocol: goim\r\n", {}), "|");
}

struct ForwardedDecoder : UpgradeDecoder {
  Step Next(Inbox* inbox, std::string* transcript) {
    UpgradeRequest request;
    UpgradeRefusal refusal = UpgradeRefusal::kCount_;
    switch (ParseUpgrade(inbox->view(), limits, &scanned, &request, &refusal)) {
      case UpgradeStatus::kMore: return Step::kMore;
      case UpgradeStatus::kDone: transcript->append(request.forwarded_for).append("."); break;
      case UpgradeStatus::kFile:
      case UpgradeStatus::kRefused: transcript->append(Status(refusal)); break;
    }
    return Step::kOver;
  }
};

TEST(HttpUpgrade, TellsWhomProxiesForwardedForAsOneList) {
  ForwardedDecoder decoder;
  decoder.limits.forwarded_for = true;
  const std::pair<std::string, std::string> kRows[] = {
      {"", "."},
      {"X-Forwarded-For: 1.2.3.4\r\n", "1.2.3.4."},
      {"x-forwarded-FOR:1.2.3.4, ::1\t\r\n", "1.2.3.4, ::1."},
      {"X-Forwarded-For: a\r\nCookie: b\r\nX-Forwarded-For: c,d\r\nx-forwarded-for: e\r\n",
       "a, c,d, e."},
      {"X-Forwarded-For:\r\nX-Forwarded-For: a\r\n", "a."},
      {"X-Forwarded-For: a\r\nX-Forwarded-For:\r\nX-Forwarded-For: b\r\n", "a, , b."},
      {"X-Forwarded-For: gr\xC3\xBC\xC3\x9F\r\n", "gr\xC3\xBC\xC3\x9F."},
      {"X-Forwarded-Fo: a\r\nX-Forwarded-For2: b\r\n", "."},
      {"X-Forwarded-For : a\r\n", "400"},
  };
  for (const auto& [headers, told] : kRows) {
    EXPECT_EQ(CheckDecoder(decoder, Good(headers)), told) << headers;
    // The next request does not hear of it.
    EXPECT_EQ(CheckDecoder(decoder, Good("")), ".");
  }
  EXPECT_EQ(CheckDecoder(ForwardedDecoder{}, Good(kRows[3].first)), ".") << "nobody asks";
}

TEST(HttpUpgrade, AgreesOnDeflateWhereThatIsWanted) {
  const std::string offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  EXPECT_EQ(AgreedOn(offer, {}), "|");
  EXPECT_EQ(AgreedOn(offer, {.deflate = true}), "|deflate");
  EXPECT_EQ(AgreedOn("", {.deflate = true}), "|");
  EXPECT_EQ(AgreedOn("Sec-WebSocket-Extensions: foo; bar\r\n" + offer, {.deflate = true}),
            "|deflate");
}

TEST(HttpUpgrade, ThePathNamesTheDialect) {
  for (const bool json : {false, true}) {
    std::string text = Good("Sec-WebSocket-Extensions: permessage-deflate\r\n");
    if (json) text.replace(text.find("/sub"), 4, "/json");
    UpgradeRequest request;
    UpgradeRefusal refusal = UpgradeRefusal::kCount_;
    size_t scanned = 0;
    ASSERT_EQ(ParseUpgrade(text, {.deflate = true}, &scanned, &request, &refusal),
              UpgradeStatus::kDone);
    EXPECT_EQ(request.dialect, json ? Dialect::kJson : Dialect::kGoim);
    EXPECT_TRUE(request.deflate.agreed);
  }
}

TEST(HttpUpgrade, TurnsPagesOfForeignOriginsAway) {
  // Good() says Host: a.
  EXPECT_EQ(AgreedOn("Origin: https://evil.example\r\n", {}), "|");
  EXPECT_EQ(AgreedOn("Origin: https://evil.example\r\nCookie: sid=1\r\n", {}), "403");
  EXPECT_EQ(AgreedOn("Cookie: sid=1\r\nOrigin: https://A\r\n", {}), "|");
  EXPECT_EQ(AgreedOn("Cookie: sid=1\r\n", {}), "|");
  const UpgradeLimits listed{.origins = OriginPolicy({"https://app.example"})};
  EXPECT_EQ(AgreedOn("Origin: https://app.example\r\nCookie: sid=1\r\n", listed), "|");
  EXPECT_EQ(AgreedOn("Origin: https://evil.example\r\n", listed), "403");
  EXPECT_EQ(AgreedOn("Origin: https://a\r\nOrigin: https://a\r\n", {}), "400");
}

// What a page shows as an image, say: the request has the cookies, and no Origin.
TEST(HttpUpgrade, TurnsRequestsAwayThatBringCookiesFromElsewhere) {
  EXPECT_EQ(AgreedOn("Cookie: sid=1\r\nSec-Fetch-Site: cross-site\r\n", {}), "403");
  EXPECT_EQ(AgreedOn("Sec-Fetch-Site: same-site\r\nCookie: sid=1\r\n", {}), "403");
  EXPECT_EQ(AgreedOn("Cookie: sid=1\r\nSec-Fetch-Site: same-origin\r\n", {}), "|");
  EXPECT_EQ(AgreedOn("Cookie: sid=1\r\nSec-Fetch-Site: none\r\n", {}), "|");
  EXPECT_EQ(AgreedOn("Sec-Fetch-Site: cross-site\r\n", {}), "|");
  EXPECT_EQ(AgreedOn("Origin: https://a\r\nCookie: sid=1\r\nSec-Fetch-Site: same-site\r\n", {}), "|");
  const auto status = [](const std::string& path, const UpgradeLimits& limits) {
    const std::string text = "GET " + path + " HTTP/1.1\r\nHost: a\r\nCookie: sid=1\r\n"
                             "Sec-Fetch-Site: cross-site\r\n\r\n";
    UpgradeRequest request;
    UpgradeRefusal refusal = UpgradeRefusal::kCount_;
    size_t scanned = 0;
    return ParseUpgrade(text, limits, &scanned, &request, &refusal) == UpgradeStatus::kDone
               ? UpgradeRefusal::kCount_
               : refusal;
  };
  EXPECT_EQ(status("/sse", {}), UpgradeRefusal::kForeignOrigin);
  EXPECT_EQ(status("/sub?ver=1", {.goim_v1 = true}), UpgradeRefusal::kForeignOrigin);
  EXPECT_EQ(status("/sub?ver=1&cb=f", {.goim_v1 = true}), UpgradeRefusal::kCount_);
}

TEST(HttpUpgrade, TakesAnyQueryAndNoOtherPaths) {
  const auto answer = [](const std::string& target) {
    return CheckDecoder(UpgradeDecoder{}, "GET " + target + " HTTP/1.1\r\nHost: a\r\n" +
                                              std::string(kGoodEnd)).substr(0, 3);
  };
  for (const char* target : {"/sub", "/sub?", "/sub?x=1&y=/../?", "/json", "/json?/sub"}) {
    EXPECT_EQ(answer(target), "dGh") << target;
  }
  for (const char* target : {"/", "/sub/", "/Sub", "/sub2", "//sub", "/%73ub", "/jso", "/json/", "/JSON", "*", "sub",
                             "http://a/sub", "/x?/sub"}) {
    EXPECT_EQ(answer(target), "404") << target;
  }
}

// At a file's path; a file does not take the place of what opens a WebSocket.
TEST(HttpUpgrade, AnswersWithFilesByTheirPath) {
  const HttpFile files[] = {{"/", "head|page", 5}, {"/x.js", "H|script", 2}, {"/sub", "no", 1}};
  UpgradeDecoder decoder;
  decoder.limits.files = files;
  const auto answer = [&](std::string_view line, std::string_view headers = "Host: a\r\n\r\n") {
    return CheckDecoder(decoder, std::string(line) + " HTTP/1.1\r\n" + std::string(headers));
  };
  EXPECT_EQ(answer("GET /"), "head|page27");
  EXPECT_EQ(answer("GET /", "Host: a\r\n\r\nGET / HTTP/1.1\r\n"), "head|page27");
  EXPECT_EQ(answer("GET /?x=1"), "head|page31");
  EXPECT_EQ(answer("HEAD /"), "head|28");
  EXPECT_EQ(answer("GET /x.js"), "H|script31");
  EXPECT_EQ(answer("HEAD /x.js"), "H|32");
  EXPECT_EQ(answer("POST /"), "405");
  EXPECT_EQ(answer("GET /x.js/"), "404");
  EXPECT_EQ(answer("GET //"), "404");
  EXPECT_EQ(answer("GET /", "\r\n"), "400");
  EXPECT_EQ(answer("GET /", "Host: a\r\nContent-Length: 1\r\n\r\nx"), "413");
  // Who wants a WebSocket there is not given a page.
  EXPECT_EQ(answer("GET /", "Host: a\r\n" + std::string(kGoodEnd)), "404");
  EXPECT_EQ(answer("GET /sub", "Host: a\r\n\r\n"), "400");
  EXPECT_EQ(CheckDecoder(decoder, Good("")).substr(0, 3), "dGh");
}

// The limit counts every byte of the request: at the limit it is taken, one byte more is refused,
// and nobody waits for an end that would come too late.
TEST(HttpUpgrade, DecidesAtTheByteLimit) {
  const size_t limit = UpgradeDecoder{}.limits.header_bytes_max;
  const auto of_size = [](size_t bytes) {
    return Good("X: " + std::string(bytes - Good("X: \r\n").size(), 'x') + "\r\n");
  };
  EXPECT_EQ(CheckDecoder(UpgradeDecoder{}, of_size(limit)).substr(0, 3), "dGh");
  EXPECT_EQ(CheckDecoder(UpgradeDecoder{}, of_size(limit + 1)), "431");
  EXPECT_EQ(CheckDecoder(UpgradeDecoder{}, of_size(limit + 1).substr(0, limit)), "431");
  EXPECT_EQ(CheckDecoder(UpgradeDecoder{}, of_size(limit + 1).substr(0, limit - 1)), "");
}

TEST(HttpUpgrade, DecidesAtTheHeaderLimit) {
  const size_t limit = UpgradeDecoder{}.limits.headers_max;
  const auto with_headers = [](size_t count) {
    std::string more;
    for (size_t i = 5; i < count; ++i) more += "X: y\r\n";
    return CheckDecoder(UpgradeDecoder{}, Good(more)).substr(0, 3);
  };
  EXPECT_EQ(with_headers(limit), "dGh");
  EXPECT_EQ(with_headers(limit + 1), "431");
}

// Statuses are shared; what the client is told is not.
TEST(HttpUpgrade, TellsRefusalsApart) {
  const struct {
    std::string headers;
    UpgradeRefusal refusal;
  } kCases[] = {
      {"X: a\r\n b: c\r\n", UpgradeRefusal::kFoldedLine},
      {"X : a\r\n", UpgradeRefusal::kBadHeaderLine},
      {"X\r\n", UpgradeRefusal::kBadHeaderLine},
      {"X: a\n", UpgradeRefusal::kBadByte},
      {"Host: b\r\n", UpgradeRefusal::kRepeatedHeader},
      {"Content-Length: 1\r\n", UpgradeRefusal::kBody},
  };
  for (const auto& row : kCases) {
    UpgradeRequest request;
    UpgradeRefusal refusal = UpgradeRefusal::kCount_;
    size_t scanned = 0;
    EXPECT_EQ(ParseUpgrade(Good(row.headers), {}, &scanned, &request, &refusal),
              UpgradeStatus::kRefused);
    EXPECT_EQ(refusal, row.refusal) << row.headers;
  }
  const auto without = [](std::string_view header) {
    std::string text = Good("");
    const size_t at = text.find(header);
    text.erase(at, text.find("\r\n", at) + 2 - at);
    UpgradeRequest request;
    UpgradeRefusal refusal = UpgradeRefusal::kCount_;
    size_t scanned = 0;
    EXPECT_EQ(ParseUpgrade(text, {}, &scanned, &request, &refusal), UpgradeStatus::kRefused);
    return refusal;
  };
  EXPECT_EQ(without("Host"), UpgradeRefusal::kBadHost);
  EXPECT_EQ(without("Upgrade:"), UpgradeRefusal::kNoUpgrade);
  EXPECT_EQ(without("Connection"), UpgradeRefusal::kNoConnectionUpgrade);
  EXPECT_EQ(without("Sec-WebSocket-Version"), UpgradeRefusal::kNoVersion);
  EXPECT_EQ(without("Sec-WebSocket-Key"), UpgradeRefusal::kBadKey);
}

// Garbage is refused where it stands; nobody waits for the end of its header.
TEST(HttpUpgrade, RefusesBytesThatAreNotHttpAtOnce) {
  for (const std::string_view bytes :
       {std::string_view("\x16\x03\x01\x02"), std::string_view("\0", 1), std::string_view("\n"),
        std::string_view("\rG"), std::string_view("GET /sub HTTP/1.1\n"),
        std::string_view("GET /sub HTTP/1.1\rHost"), std::string_view("GET\x7F"),
        std::string_view("GET /sub HTTP/1.1\r\nHost: a\r\n\r\r"),
        std::string_view("GET /sub HTTP/1.1\r\nHost: a\r\r\n")}) {
    EXPECT_EQ(CheckDecoder(UpgradeDecoder{}, bytes), "400") << bytes;
  }
}

TEST(HttpUpgrade, AnEmptyLineFirstIsNotARequest) {
  EXPECT_EQ(CheckDecoder(UpgradeDecoder{}, "\r\n" + Good("")), "400");
  EXPECT_EQ(CheckDecoder(UpgradeDecoder{}, "\r\n\r\n"), "400");
}

}  // namespace
}  // namespace halley::wire
