#include "config/check.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "config/listeners.h"
#include "gtest/gtest.h"

namespace halley::config {
namespace {

std::string Message(const Options& options, const Origins& origins = {}) {
  return std::string(CheckTogether(options, origins).message());
}

TEST(Check, TheDefaultsGoTogether) { EXPECT_EQ(Message(Options()), ""); }

TEST(Check, AFrameFitsIntoAMessage) {
  Options options;
  options.client.frame_body_bytes = options.client.message_bytes - kGoimFrameHeaderBytes;
  EXPECT_EQ(Message(options), "");
  ++options.client.frame_body_bytes;
  EXPECT_EQ(Message(options, {{"client.message_bytes", "halley.toml:7:1"}}),
            "halley.toml:7:1: client.frame_body_bytes and a header of 16 bytes do not fit into "
            "client.message_bytes (8192): raise it to 8193 or more");
}

TEST(Check, APersonalQueueHoldsOneReply) {
  Options options;
  options.client.personal_queue_bytes = options.client.frame_body_bytes + 64;
  EXPECT_EQ(Message(options), "");
  --options.client.personal_queue_bytes;
  EXPECT_EQ(Message(options, {{"client.personal_queue_bytes", "--client.personal_queue_bytes"}}),
            "--client.personal_queue_bytes: client.personal_queue_bytes (4159) cannot hold one "
            "reply of client.frame_body_bytes: raise it to 4160 or more");
}

TEST(Check, ARequestHoldsABodyAndATarget) {
  Options options;
  options.client.room_id_bytes = 1000;
  options.push.message_bytes = options.push.body_bytes + kPushRequestOverheadBytes + 1000;
  EXPECT_EQ(Message(options), "");
  --options.push.message_bytes;
  EXPECT_EQ(Message(options, {{"push.body_bytes", "halley.toml:3:1"}}),
            "halley.toml:3:1: push.message_bytes (263399) cannot hold push.body_bytes and a "
            "target: raise it to 263400 or more");
}

TEST(Check, ALogHoldsTwoOfTheLargestPushes) {
  Options options;
  options.room.log_bytes = 2 * options.push.body_bytes;
  EXPECT_EQ(Message(options), "");
  --options.room.log_bytes;
  EXPECT_EQ(Message(options, {{"push.body_bytes", "halley.toml:3:1"},
                              {"room.log_bytes", "halley.toml:9:1"}}),
            "halley.toml:9:1: room.log_bytes (524287) is less than twice push.body_bytes: raise "
            "it to 524288 or more");
}

TEST(Check, ABurstHasARate) {
  Options options;
  options.limits.messages_burst = 5;
  EXPECT_EQ(Message(options, {{"limits.messages_burst", "halley.toml:3:1"}}),
            "halley.toml:3:1: limits.messages_burst limits nothing without a rate: set "
            "limits.messages_per_s");
  options.limits.messages_per_s = 1;
  EXPECT_EQ(Message(options), "");
}

TEST(Check, TheLargestMessageFitsIntoTheLimitOfBytes) {
  Options options;
  options.limits.bytes_per_s = 8206;
  EXPECT_EQ(Message(options), "");
  --options.limits.bytes_per_s;
  EXPECT_EQ(Message(options, {{"limits.bytes_per_s", "--limits.bytes_per_s"}}),
            "--limits.bytes_per_s: a client could not send the largest message or request (8206 bytes "
            "with its framing) that client.message_bytes and client.http_header_bytes allow: raise "
            "limits.bytes_burst to 8206 or more");
  options.limits.bytes_burst = 8206;
  EXPECT_EQ(Message(options), "");
}

TEST(Check, SomeClientCanConnect) {
  Options options;
  options.listen.tcp = "";
  EXPECT_EQ(Message(options), "");
  options.listen.ws = " ";
  EXPECT_EQ(Message(options, {{"listen.ws", "--ws"}}),
            "--ws: listen.tcp and listen.ws are both empty, so no client could connect: set one");
  options.listen.tcp = "127.0.0.1:0";
  EXPECT_EQ(Message(options), "");
  options.tls.certificates = "a.pem";
  for (const ListenerSpec& listener : kListeners) {
    options.listen.tcp = options.listen.ws = "";
    options.listen.*listener.list = "127.0.0.1:0";
    EXPECT_EQ(Message(options).empty(), listener.ForClients()) << listener.option;
    options.listen.*listener.list = "";
  }
}

TEST(Check, NoAddressIsNamedTwice) {
  Options options;
  options.listen.tcp = "[::1]:5, 127.0.0.1:5";
  EXPECT_EQ(Message(options), "");
  options.listen.ws = "[0::1]:5";
  EXPECT_EQ(Message(options, {{"listen.ws", "halley.toml:2:1"}}),
            "halley.toml:2:1: listen.ws and listen.tcp both name [::1]:5: name each address once");
  options.listen.tcp = options.listen.ws = options.listen.push = "127.0.0.1:0,127.0.0.1:0";
  EXPECT_EQ(Message(options), "");
}

TEST(Check, NoTwoListenersShareAnAddress) {
  for (const ListenerSpec& one : kListeners) {
    for (const ListenerSpec& other : kListeners) {
      if (one.list == other.list) continue;
      Options options;
      options.tls.certificates = "a.pem";
      options.listen.*one.list = options.listen.*other.list = "127.0.0.1:7";
      const bool first = ListenerIndex(one.list) < ListenerIndex(other.list);
      EXPECT_EQ(Message(options), absl::StrCat((first ? other : one).option, " and ",
                                               (first ? one : other).option,
                                               " both name 127.0.0.1:7: name each address once"));
    }
  }
}

TEST(Check, CallsOfGoimsJobFromOutsideTakeACertificateOrConsent) {
  Options options;
  for (const char* loopback : {"", "127.0.0.1:1", "[::1]:1"}) {
    options.listen.comet_grpc = loopback;
    EXPECT_EQ(Message(options), "") << loopback;
  }
  options.listen.comet_grpc = "127.0.0.1:1,0.0.0.0:2";
  EXPECT_EQ(Message(options, {{"listen.comet_grpc", "halley.toml:2:1"}}),
            "halley.toml:2:1: listen.comet_grpc names 0.0.0.0:2, which others can reach, but callers "
            "show nothing: set comet_grpc.tls_client_ca, or comet_grpc.insecure = \"on\" where only "
            "goim's job can connect, or listen on 127.0.0.1");
  options.comet_grpc.insecure = true;
  EXPECT_EQ(Message(options), "");
  options.comet_grpc.insecure = false;
  options.comet_grpc.tls_certificate = options.comet_grpc.tls_client_ca = "a.pem";
  EXPECT_EQ(Message(options), "");
  options.comet_grpc.tls_certificate = "";
  EXPECT_EQ(Message(options, {{"comet_grpc.tls_client_ca", "halley.toml:3:1"}}),
            "halley.toml:3:1: comet_grpc.tls_key and comet_grpc.tls_client_ca mean nothing without a "
            "certificate: set comet_grpc.tls_certificate");
}

TEST(Check, AdminRequestsFromOutsideTakeAToken) {
  Options options;
  for (const char* loopback : {"", "127.0.0.1:1", "[::1]:1"}) {
    options.listen.admin = loopback;
    EXPECT_EQ(Message(options), "") << loopback;
  }
  options.listen.admin = "127.0.0.1:1,0.0.0.0:2";
  EXPECT_EQ(Message(options, {{"listen.admin", "--admin"}}),
            "--admin: listen.admin names 0.0.0.0:2, which others can reach, but there is no token: "
            "set admin.token_file, or listen on 127.0.0.1");
  options.admin.token = "t";
  EXPECT_EQ(Message(options), "");
  // A client cannot come in there.
  options.listen.tcp = options.listen.ws = "";
  EXPECT_NE(Message(options), "");
}

TEST(Check, PushingFromOutsideTakesASecret) {
  Options options;
  for (const char* loopback : {"", "127.0.0.1:1", "[::1]:1", "127.0.0.1:1,[::1]:2"}) {
    options.listen.push = loopback;
    EXPECT_EQ(Message(options), "") << loopback;
  }
  for (const char* open : {"0.0.0.0:1", "[::]:1", "127.0.0.1:1,10.0.0.1:2", "0.0.0.0:0"}) {
    options.listen.push = open;
    options.push.secret = "";
    EXPECT_NE(Message(options), "") << open;
    options.push.secret = "s";
    EXPECT_EQ(Message(options), "") << open;
  }
  options.push.secret = "";
  EXPECT_EQ(Message(options, {{"listen.push", "--push"}}),
            "--push: listen.push names 0.0.0.0:0, which others can reach, but there is no secret: "
            "set push.secret_file or push.tls_client_ca, or listen on 127.0.0.1");
  options.push.tls_certificate = "push.pem";
  EXPECT_NE(Message(options), "");
  options.push.tls_client_ca = "pushers.pem";
  EXPECT_EQ(Message(options), "");
}

TEST(Check, APingLeavesTimeToAnswerIt) {
  Options options;
  options.gopusher.pong_timeout_ms = options.gopusher.ping_ms + 1;
  EXPECT_EQ(Message(options), "");
  --options.gopusher.pong_timeout_ms;
  EXPECT_EQ(Message(options, {{"gopusher.ping_ms", "halley.toml:5:1"}}),
            "halley.toml:5:1: gopusher.pong_timeout_ms (9000) leaves no time to answer a ping after "
            "gopusher.ping_ms (9000): raise it to 9001 or more");
}

TEST(Check, ParametersOfGopusherHaveNames) {
  Options options;
  options.gopusher.client_id_alias = "c-_.~9";
  EXPECT_EQ(Message(options), "");
  for (const char* name : {"", "a b", "a=", "a&b", "%41", "a+", "\xC3\xBC", "time", "token"}) {
    options.gopusher.client_id_alias = name;
    EXPECT_EQ(Message(options, {{"gopusher.client_id_alias", "halley.toml:6:1"}}),
              "halley.toml:6:1: gopusher.client_id_alias is no name of a parameter, or one that has "
              "two meanings: use letters, digits and -._~, and another name for each")
        << name;
  }
}

TEST(Check, SomebodyMaySendAProxyHeader) {
  Options options;
  options.listen.proxy_protocol = true;
  EXPECT_EQ(Message(options, {{"listen.proxy_protocol", "halley.toml:4:1"}}),
            "halley.toml:4:1: listen.proxy_protocol is on and nobody may send its header: name "
            "your proxies in listen.proxies");
  options.listen.proxies = "10.0.0.0/8";
  EXPECT_EQ(Message(options), "");
}

TEST(Check, WhoIsAskedByHttpIsNamed) {
  Options options;
  options.backend.kind = BackendKind::kHttp;
  EXPECT_EQ(Message(options, {{"backend.kind", "--backend"}}),
            "--backend: backend.kind is http, and nothing says where to ask: set http_backend.urls");
  options.http_backend.urls = "https://a.example/x";
  EXPECT_EQ(Message(options), "");
  options.jwt.keys = "a.pem";
  EXPECT_NE(Message(options).find("verifies tokens itself"), std::string::npos);
  options.jwt.keys.clear();
  options.backend.kind = BackendKind::kEmbedded;
  EXPECT_NE(Message(options).find("nobody is asked there"), std::string::npos);
}

TEST(Check, GoimsLogicIsFoundWhereItIsAsked) {
  Options options;
  options.backend.kind = BackendKind::kGoim;
  const char* const nowhere =
      "--backend: backend.kind is goim, and nothing says where goim's logic is: set goim.addresses or "
      "discovery.kind";
  EXPECT_EQ(Message(options, {{"backend.kind", "--backend"}}), nowhere);
  options.discovery.kind = DiscoveryKind::kBilibili;
  options.discovery.nodes = "registry.example:7171";
  EXPECT_EQ(Message(options), "");
  options.discovery.logic_appid.clear();
  EXPECT_EQ(Message(options, {{"backend.kind", "--backend"}}), nowhere);
  options.goim.addresses = "logic.example:3119, [::1]:3119";
  EXPECT_EQ(Message(options), "");
  options.goim.addresses = "logic.example";
  EXPECT_NE(Message(options, {{"goim.addresses", "h.toml:2:1"}}).find("h.toml:2:1: 'logic.example' is no host"),
            std::string::npos);
  options.goim.addresses.clear();
  options.discovery.kind = DiscoveryKind::kStatic;
  options.discovery.static_addresses = "logic.example:3119";
  EXPECT_EQ(Message(options), "");
  options.jwt.keys = "a.pem";
  EXPECT_NE(Message(options).find("verifies tokens itself"), std::string::npos);
  options.jwt.keys.clear();
  options.backend.kind = BackendKind::kEmbedded;
  EXPECT_EQ(Message(options), "");
  options.goim.addresses = "logic.example:3119";
  EXPECT_EQ(Message(options, {{"goim.addresses", "h.toml:2:1"}}),
            "h.toml:2:1: goim.addresses is set, but nobody is asked there: set backend.kind = \"goim\"");
}

TEST(Check, TokensCanBeVerifiedWhereTheyAreBelieved) {
  Options options;
  options.backend.kind = BackendKind::kJwt;
  EXPECT_EQ(Message(options, {{"backend.kind", "--backend"}}),
            "--backend: backend.kind is jwt, and nothing says who may sign: set jwt.secret_file, "
            "jwt.keys, jwt.jwks_file or jwt.jwks_url");
  options.jwt.keys = "a.pem";
  EXPECT_EQ(Message(options), "");
  options.jwt.secret = "a secret";
  EXPECT_EQ(Message(options), "");
  options.jwt.secret_file = "a file";
  EXPECT_NE(Message(options).find("both set"), std::string::npos);
  options.jwt.secret_file.clear();
  options.jwt.room_claim.clear();
  EXPECT_EQ(Message(options, {{"jwt.room_claim", "h.toml:3:1"}}),
            "h.toml:3:1: jwt.room_claim is empty: name a claim");
  options.jwt.room_claim = "room";
  options.jwt.cookie = "__Host-jwt";
  EXPECT_EQ(Message(options), "");
  options.jwt.cookie = "j wt";
  EXPECT_EQ(Message(options, {{"jwt.cookie", "h.toml:4:1"}}),
            "h.toml:4:1: jwt.cookie is no name of a cookie: use letters, digits, - and _");
  options.jwt.cookie = "jwt";
  options.websocket.origins = "https://a.example, *";
  EXPECT_NE(Message(options).find("any page could log in as whoever visits it"), std::string::npos);
  options.websocket.origins = "https://a.example";
  options.client.http_header_bytes = options.jwt.token_bytes;
  EXPECT_NE(Message(options).find("raise it to 5120 or more"), std::string::npos);
  ++options.client.http_header_bytes;
  EXPECT_EQ(Message(options), "");
  options.backend.kind = BackendKind::kEmbedded;
  EXPECT_EQ(Message(options, {{"jwt.keys", "h.toml:2:1"}}),
            "h.toml:2:1: jwt has keys, but the embedded backend believes tokens unverified: set "
            "backend.kind = \"jwt\"");
}

TEST(Check, TlsHasSomethingToShow) {
  Options options;
  options.listen.tcp = options.listen.ws = "";
  options.listen.wss = "127.0.0.1:0";
  EXPECT_EQ(Message(options, {{"listen.wss", "--wss"}}),
            "--wss: listen.wss needs a certificate to show: set tls.certificates");
  options.listen.v1_tcp_tls = options.listen.gopush_tcp_tls = "127.0.0.1:0";
  EXPECT_EQ(Message(options, {{"listen.v1_tcp_tls", "halley.toml:2:1"}}),
            "halley.toml:2:1: listen.wss, listen.gopush_tcp_tls and listen.v1_tcp_tls need a "
            "certificate to show: set tls.certificates");
  options.tls.certificates = "a.pem, b.pem";
  EXPECT_EQ(Message(options), "");
  options.tls.keys = "a.key";
  EXPECT_EQ(Message(options, {{"tls.keys", "--tls-keys"}}),
            "--tls-keys: tls.keys names 1 files and tls.certificates 2: name a key for each "
            "certificate, or none where they are in the same files");
  options.tls.keys = "a.key,b.key";
  EXPECT_EQ(Message(options), "");
  options.push.tls_client_ca = "pushers.pem";
  EXPECT_EQ(Message(options, {{"push.tls_client_ca", "halley.toml:1:1"}}),
            "halley.toml:1:1: push.tls_key and push.tls_client_ca mean nothing without a "
            "certificate: set push.tls_certificate");
}

TEST(Check, EveryListenerInsideTlsNeedsACertificate) {
  for (const ListenerSpec& listener : kListeners) {
    Options options;
    options.listen.*listener.list = "127.0.0.1:0";
    const std::string wanted =
        listener.tls ? absl::StrCat(listener.option, " needs a certificate to show: set tls.certificates")
                     : "";
    EXPECT_EQ(Message(options), wanted) << listener.option;
    options.tls.certificates = "a.pem";
    EXPECT_EQ(Message(options), "") << listener.option;
  }
}

TEST(Check, ARegistryAndAListNameSomebody) {
  Options options;
  options.discovery.kind = DiscoveryKind::kBilibili;
  EXPECT_EQ(Message(options, {{"discovery.kind", "halley.toml:3:1"}}),
            "halley.toml:3:1: discovery.kind is bilibili, and nobody is named to register with: set "
            "discovery.nodes");
  options.discovery.nodes = "r:7171";
  EXPECT_EQ(Message(options), "");
  options.discovery.appid = "";
  EXPECT_NE(Message(options), "");
  options.discovery.kind = DiscoveryKind::kStatic;
  EXPECT_EQ(Message(options),
            "discovery.kind is static, and there are no addresses: set discovery.static_addresses");
  options.discovery.static_addresses = "l:3119";
  EXPECT_EQ(Message(options), "");
  options.discovery.static_addresses = "l";
  EXPECT_EQ(Message(options, {{"discovery.static_addresses", "halley.toml:4:1"}}).substr(0, 37),
            "halley.toml:4:1: 'l' is no host and p");
}

}  // namespace
}  // namespace halley::config
