#include <openssl/ssl.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "tls/certificates.h"
#include "tls/client.h"
#include "tls/server.h"

namespace halley::tls {
namespace {

// Both ends, and what is on the way between them.
class Pair {
 public:
  Pair(std::unique_ptr<Stream> client, std::unique_ptr<Stream> server)
      : client_(std::move(client)), server_(std::move(server)) {}

  // Hands over what waits, at most `piece` bytes at a time, until nothing does.
  void Run(size_t piece = SIZE_MAX) {
    std::string none;
    client_outcome_ = Take(*client_, std::string_view(), &client_plain_, &to_server_);
    while (!to_server_.empty() || !to_client_.empty()) {
      const std::string up = Cut(&to_server_, piece);
      if (!up.empty()) server_outcome_ = Take(*server_, up, &server_plain_, &to_client_);
      const std::string down = Cut(&to_client_, piece);
      if (!down.empty()) client_outcome_ = Take(*client_, down, &client_plain_, &to_server_);
    }
  }

  Stream& client() { return *client_; }
  Stream& server() { return *server_; }
  bool open() const { return client_->open() && server_->open(); }
  bool ClientSays(std::string_view plain) { return client_->Write(plain, &to_server_); }
  bool ServerSays(std::string_view plain) { return server_->Write(plain, &to_client_); }
  std::string TakeAtServer() { return std::exchange(server_plain_, {}); }
  std::string TakeAtClient() { return std::exchange(client_plain_, {}); }
  ReadOutcome client_outcome() const { return client_outcome_; }
  ReadOutcome server_outcome() const { return server_outcome_; }
  std::string& to_server() { return to_server_; }
  std::string& to_client() { return to_client_; }

  // Everything that `cipher` holds, through a room of seven bytes at a time.
  static ReadOutcome Take(Stream& stream, std::string_view cipher, std::string* plain,
                          std::string* out) {
    for (;;) {
      char room[7];
      size_t bytes = 0;
      const ReadOutcome outcome = stream.Read(&cipher, room, sizeof room, &bytes, out);
      plain->append(room, bytes);
      if (outcome != ReadOutcome::kFull) return outcome;
    }
  }

 private:
  static std::string Cut(std::string* from, size_t bytes) {
    std::string piece = from->substr(0, bytes);
    from->erase(0, piece.size());
    return piece;
  }

  std::unique_ptr<Stream> client_;
  std::unique_ptr<Stream> server_;
  std::string to_server_, to_client_, server_plain_, client_plain_;
  ReadOutcome client_outcome_ = ReadOutcome::kMore;
  ReadOutcome server_outcome_ = ReadOutcome::kMore;
};

class TlsTest : public ::testing::Test {
 protected:
  ServerOptions Serving(const std::string& names = "DNS:localhost") {
    ServerOptions options;
    options.certificates = {authority_.Issue("server", names)};
    return options;
  }
  ClientOptions Trusting() {
    ClientOptions options;
    options.ca_file = authority_.root_file();
    return options;
  }
  static std::unique_ptr<Server> Made(const ServerOptions& options) {
    auto server = Server::Create(options);
    EXPECT_TRUE(server.ok()) << server.status();
    return *std::move(server);
  }
  static std::unique_ptr<Client> Made(const ClientOptions& options) {
    auto client = Client::Create(options);
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }
  static Pair Connect(Client& client, Server& server, const std::string& name = "localhost") {
    Pair pair(client.Connect(name), server.Accept());
    pair.Run();
    return pair;
  }
  static std::string NameShown(Pair& pair) {
    X509* const paper = SSL_get0_peer_certificate(pair.client().ssl());
    char name[64] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(paper), NID_commonName, name, sizeof name);
    return name;
  }

  testing::Authority authority_;
};

TEST_F(TlsTest, WhatIsSaidArrives) {
  const auto server = Made(Serving());
  const auto client = Made(Trusting());
  Pair pair = Connect(*client, *server);
  ASSERT_TRUE(pair.open()) << pair.client().error() << "; " << pair.server().error();
  EXPECT_STREQ(SSL_get_version(pair.server().ssl()), "TLSv1.3");
  ASSERT_TRUE(pair.ClientSays("ask"));
  ASSERT_TRUE(pair.ServerSays("answer"));
  pair.Run();
  EXPECT_EQ(pair.TakeAtServer(), "ask");
  EXPECT_EQ(pair.TakeAtClient(), "answer");
}

TEST_F(TlsTest, WhatIsSaidArrivesByteByByte) {
  const auto server = Made(Serving());
  const auto client = Made(Trusting());
  Pair pair(client->Connect("localhost"), server->Accept());
  pair.Run(1);
  ASSERT_TRUE(pair.open());
  const std::string large(3 * kRecordBytesMax, 'x');
  ASSERT_TRUE(pair.ServerSays(large));
  ASSERT_TRUE(pair.ClientSays("y"));
  pair.Run(1);
  EXPECT_EQ(pair.TakeAtClient(), large);
  EXPECT_EQ(pair.TakeAtServer(), "y");
}

TEST_F(TlsTest, OlderThanAskedForIsRefused) {
  ServerOptions options = Serving();
  options.tls13_only = true;
  const auto server = Made(options);
  const auto client = Made(Trusting());
  auto old = client->Connect("localhost");
  SSL_set_max_proto_version(old->ssl(), TLS1_2_VERSION);
  Pair pair(std::move(old), server->Accept());
  pair.Run();
  EXPECT_EQ(pair.server_outcome(), ReadOutcome::kFailed);
  EXPECT_EQ(pair.server().error(), "unsupported protocol");
  // Told why, so that it need not guess.
  EXPECT_EQ(pair.client_outcome(), ReadOutcome::kFailed);
  EXPECT_EQ(pair.client().error(), "tlsv1 alert protocol version");
}

TEST_F(TlsTest, Version12WorksWithForwardSecrecyOnly) {
  const auto server = Made(Serving());
  const auto client = Made(Trusting());
  auto old = client->Connect("localhost");
  SSL_set_max_proto_version(old->ssl(), TLS1_2_VERSION);
  Pair pair(std::move(old), server->Accept());
  pair.Run();
  ASSERT_TRUE(pair.open());
  EXPECT_STREQ(SSL_get_version(pair.server().ssl()), "TLSv1.2");
  auto weak = client->Connect("localhost");
  SSL_set_max_proto_version(weak->ssl(), TLS1_2_VERSION);
  SSL_set_cipher_list(weak->ssl(), "AES128-GCM-SHA256");
  Pair refused(std::move(weak), server->Accept());
  refused.Run();
  EXPECT_EQ(refused.server_outcome(), ReadOutcome::kFailed);
}

TEST_F(TlsTest, TheCertificateIsForTheNameThatIsAskedFor) {
  ServerOptions options;
  options.certificates = {authority_.Issue("first", "DNS:first.example"),
                          authority_.Issue("second", "DNS:second.example"),
                          authority_.Issue("wild", "DNS:*.wild.example")};
  const auto server = Made(options);
  ClientOptions careless = Trusting();
  careless.verify = false;
  const auto client = Made(careless);
  const std::pair<const char*, const char*> cases[] = {
      {"first.example", "first"},   {"second.example", "second"}, {"a.wild.example", "wild"},
      {"a.b.wild.example", "first"}, {"other.example", "first"},   {"127.0.0.1", "first"}};
  for (const auto& [asked, shown] : cases) {
    Pair pair = Connect(*client, *server, asked);
    ASSERT_TRUE(pair.open()) << asked;
    EXPECT_EQ(NameShown(pair), shown) << asked;
  }
}

TEST_F(TlsTest, AForeignCertificateIsNotBelieved) {
  const auto server = Made(Serving());
  testing::Authority other("another root");
  ClientOptions options;
  options.ca_file = other.root_file();
  Pair pair = Connect(*Made(options), *server);
  EXPECT_EQ(pair.client_outcome(), ReadOutcome::kFailed);
  EXPECT_EQ(pair.client().error(), "certificate verify failed");
  EXPECT_EQ(pair.server_outcome(), ReadOutcome::kFailed);
  Pair wrong_name = Connect(*Made(Trusting()), *server, "elsewhere");
  EXPECT_EQ(wrong_name.client_outcome(), ReadOutcome::kFailed);
}

TEST_F(TlsTest, ClientsShowCertificatesWhereTheyAreAskedTo) {
  testing::Authority clients("clients' root");
  testing::Authority strangers("strangers' root");
  ServerOptions options = Serving();
  options.client_ca_file = clients.root_file();
  ClientOptions without = Trusting();
  ClientOptions known = Trusting();
  known.certificate = clients.Issue("known", "DNS:pusher");
  ClientOptions stranger = Trusting();
  stranger.certificate = strangers.Issue("stranger", "DNS:pusher");
  for (const ClientCertificate policy :
       {ClientCertificate::kOptional, ClientCertificate::kRequired}) {
    options.client_certificate = policy;
    const auto server = Made(options);
    EXPECT_TRUE(Connect(*Made(known), *server).open());
    EXPECT_EQ(Connect(*Made(without), *server).server().open(),
              policy == ClientCertificate::kOptional);
    EXPECT_EQ(Connect(*Made(stranger), *server).server_outcome(), ReadOutcome::kFailed);
  }
}

TEST_F(TlsTest, AProtocolIsAgreedOn) {
  ServerOptions options = Serving();
  options.protocols = {"http/1.1"};
  const auto server = Made(options);
  ClientOptions offering = Trusting();
  offering.protocol = "http/1.1";
  Pair agreed = Connect(*Made(offering), *server);
  const unsigned char* name = nullptr;
  unsigned int bytes = 0;
  SSL_get0_alpn_selected(agreed.client().ssl(), &name, &bytes);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(name), bytes), "http/1.1");
  EXPECT_TRUE(Connect(*Made(Trusting()), *server).open());
  offering.protocol = "h2";
  EXPECT_EQ(Connect(*Made(offering), *server).server_outcome(), ReadOutcome::kFailed);
}

// The session that a client keeps for its next visit. It has its ticket only after it has read.
struct SessionDeleter {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using Session = std::unique_ptr<SSL_SESSION, SessionDeleter>;

bool ComesBack(Client& client, Server& server, const Session& session) {
  auto stream = client.Connect("localhost");
  SSL_set_session(stream->ssl(), session.get());
  Pair pair(std::move(stream), server.Accept());
  pair.Run();
  EXPECT_TRUE(pair.open());
  // A session whose connection was cut is not used again.
  pair.client().Close(&pair.to_server());
  return pair.server().resumed();
}

TEST_F(TlsTest, WhoComesBackNeedsNoFullHandshake) {
  const auto server = Made(Serving());
  const auto client = Made(Trusting());
  Pair pair = Connect(*client, *server);
  const Session session(SSL_get1_session(pair.client().ssl()));
  EXPECT_FALSE(pair.server().resumed());
  EXPECT_TRUE(ComesBack(*client, *server, session));
  // Another process, or this one after a restart, knows nothing of it.
  EXPECT_FALSE(ComesBack(*client, *Made(Serving()), session));
}

TEST_F(TlsTest, TicketKeysRotate) {
  ServerOptions options = Serving();
  options.ticket_period_s = 1000;
  const auto server = Made(options);
  const auto client = Made(Trusting());
  Pair pair = Connect(*client, *server);
  const Session session(SSL_get1_session(pair.client().ssl()));
  server->ticket_keys()->Age(999);
  EXPECT_TRUE(ComesBack(*client, *server, session));
  server->ticket_keys()->Age(1);
  EXPECT_TRUE(ComesBack(*client, *server, session));  // sealed with the keys before these
  server->ticket_keys()->Age(1000);
  EXPECT_FALSE(ComesBack(*client, *server, session));

  Pair later = Connect(*client, *server);
  const Session forgotten(SSL_get1_session(later.client().ssl()));
  server->ticket_keys()->Age(2000);
  EXPECT_FALSE(ComesBack(*client, *server, forgotten));
}

TEST_F(TlsTest, WithoutTicketsEveryHandshakeIsWhole) {
  ServerOptions options = Serving();
  options.ticket_period_s = 0;
  const auto server = Made(options);
  const auto client = Made(Trusting());
  Pair pair = Connect(*client, *server);
  const Session session(SSL_get1_session(pair.client().ssl()));
  EXPECT_FALSE(ComesBack(*client, *server, session));
}

TEST_F(TlsTest, CertificatesAreReadAgain) {
  const auto server = Made(Serving());
  const auto client = Made(Trusting());
  Pair before = Connect(*client, *server);
  Pair during(client->Connect("localhost"), server->Accept());
  authority_.Issue("server", "DNS:elsewhere");
  ASSERT_TRUE(server->Reload().ok());
  EXPECT_FALSE(Connect(*client, *server).client().open());
  EXPECT_TRUE(Connect(*client, *server, "elsewhere").open());
  // Who was there, or shaking hands, goes on with what it began with.
  during.Run();
  EXPECT_TRUE(during.open());
  ASSERT_TRUE(before.ServerSays("still here"));
  before.Run();
  EXPECT_EQ(before.TakeAtClient(), "still here");
}

TEST_F(TlsTest, AReloadThatFailsChangesNothing) {
  const ServerOptions options = Serving();
  const auto server = Made(options);
  std::fclose(std::fopen(options.certificates[0].chain_file.c_str(), "w"));
  const absl::Status status = server->Reload();
  EXPECT_EQ(std::string(status.message()),
            "cannot use the certificate in '" + options.certificates[0].chain_file +
                "': no start line");
  EXPECT_TRUE(Connect(*Made(Trusting()), *server).open());
}

TEST_F(TlsTest, BadFilesAreNamed) {
  ServerOptions options = Serving();
  options.certificates[0].key_file = authority_.Issue("other", "DNS:other").key_file;
  EXPECT_EQ(std::string(Server::Create(options).status().message()),
            "cannot use the private key in '" + options.certificates[0].key_file +
                "': key values mismatch");
  options = Serving();
  options.client_certificate = ClientCertificate::kRequired;
  options.client_ca_file = "/nowhere/ca.pem";
  EXPECT_NE(std::string(Server::Create(options).status().message())
                .find("cannot use the trusted certificates in '/nowhere/ca.pem'"),
            std::string::npos);
  EXPECT_FALSE(Server::Create({}).ok());
}

TEST_F(TlsTest, LastWordsAreHeard) {
  const auto server = Made(Serving());
  const auto client = Made(Trusting());
  Pair pair = Connect(*client, *server);
  ASSERT_TRUE(pair.ServerSays("bye"));
  pair.server().Close(&pair.to_client());
  EXPECT_FALSE(pair.server().Write("more", &pair.to_client()));
  pair.Run();
  EXPECT_EQ(pair.TakeAtClient(), "bye");
  EXPECT_EQ(pair.client_outcome(), ReadOutcome::kEnd);
  // And again, however often one asks.
  std::string plain;
  EXPECT_EQ(Pair::Take(pair.client(), "", &plain, &pair.to_server()), ReadOutcome::kEnd);
}

TEST_F(TlsTest, NothingButTlsIsTakenForIt) {
  const auto server = Made(Serving());
  for (const std::string& junk :
       {std::string("GET /sub HTTP/1.1\r\nHost: a\r\n\r\n"), std::string(64, '\0'),
        std::string(20000, '\x16'), std::string("\x16\x03\x01\xff\xff") + std::string(20000, 'x')}) {
    const auto stream = server->Accept();
    std::string plain, out;
    EXPECT_EQ(Pair::Take(*stream, junk, &plain, &out), ReadOutcome::kFailed);
    EXPECT_TRUE(stream->failed());
    EXPECT_FALSE(stream->error().empty());
    EXPECT_TRUE(plain.empty());
    // It stays so.
    EXPECT_EQ(Pair::Take(*stream, junk, &plain, &out), ReadOutcome::kFailed);
  }
}

// Any byte of the handshake's and of a record that is not what it was ends the connection: nothing
// that was touched on the way is ever taken for what was said.
TEST_F(TlsTest, AnyFlippedBitIsNoticed) {
  const auto server = Made(Serving());
  const auto client = Made(Trusting());
  Pair first = Connect(*client, *server);
  ASSERT_TRUE(first.ClientSays("secret"));
  const size_t record_bytes = first.to_server().size();
  for (size_t at = 0; at < record_bytes; ++at) {
    Pair pair = Connect(*client, *server);
    ASSERT_TRUE(pair.ClientSays("secret"));
    pair.to_server()[at] = static_cast<char>(pair.to_server()[at] ^ 0x10);
    pair.Run();
    EXPECT_EQ(pair.TakeAtServer(), "") << at;
  }
}

TEST_F(TlsTest, ATruncatedHandshakeIsWaitedForAndNothingElse) {
  const auto server = Made(Serving());
  const auto client = Made(Trusting());
  const auto stream = client->Connect("localhost");
  std::string hello, plain;
  Pair::Take(*stream, "", &plain, &hello);
  for (size_t bytes = 0; bytes < hello.size(); ++bytes) {
    const auto half = server->Accept();
    std::string out;
    EXPECT_EQ(Pair::Take(*half, std::string_view(hello).substr(0, bytes), &plain, &out),
              ReadOutcome::kMore);
    EXPECT_FALSE(half->open());
    EXPECT_TRUE(out.empty());
  }
}

}  // namespace
}  // namespace halley::tls
