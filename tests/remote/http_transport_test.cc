#include "remote/http_transport.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace halley::remote {
namespace {

using backend::ConnectVerdict;

// One connection at a time, each request answered with the same bytes.
class Server {
 public:
  Server() {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), bytes), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &bytes);
    url = absl::StrCat("http://127.0.0.1:", ntohs(address.sin_port), "/x");
    thread_ = std::thread([this] { Serve(); });
  }
  ~Server() {
    stopping_ = true;
    thread_.join();
    if (listener_ >= 0) close(listener_);
  }
  void Answer(std::string bytes) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(bytes);
  }
  std::string Last() {
    const std::lock_guard lock(mutex_);
    return last_;
  }

  std::string url;
  std::atomic<int> connections{0};

 private:
  bool Readable(int fd) {
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    while (!stopping_) {
      if (poll(&ready, 1, 10) > 0) return true;
    }
    return false;
  }
  void Serve() {
    while (Readable(listener_)) {
      const int fd = accept(listener_, nullptr, nullptr);
      ++connections;
      std::string in;
      char buffer[4096];
      while (Readable(fd)) {
        const ssize_t got = read(fd, buffer, sizeof buffer);
        if (got <= 0) break;
        in.append(buffer, static_cast<size_t>(got));
        // Every body here is one JSON object.
        if (in.back() != '}') continue;
        const std::lock_guard lock(mutex_);
        last_ = std::exchange(in, {});
        if (answer_ == "close") break;
        if (send(fd, answer_.data(), answer_.size(), MSG_NOSIGNAL) < 0) break;
      }
      close(fd);
    }
  }

  int listener_ = -1;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::string answer_;
  std::string last_;
  std::thread thread_;
};

std::string Http(int status, std::string_view body, std::string_view more = "") {
  return absl::StrCat("HTTP/1.1 ", status, " x\r\n", std::string(more), "Content-Length: ", body.size(),
                      "\r\n\r\n", std::string(body));
}

class HttpTransportTest : public testing::Test, protected TransportSink {
 protected:
  HttpTransportTest() {
    options_.secret = "secret";
    options_.answer_bytes = 1000;
    transport_ = std::make_unique<HttpTransport>(options_, NewHalleyFlavour(options_, "n1"),
                                                 [] { return uint64_t{1'700'000'000}; });
    transport_->Add(1, server_.url);
  }
  ~HttpTransportTest() override { close(wake_); }

  void OnDone(ExchangeId, Result result) override { results_.push_back(std::move(result)); }
  void OnProbed(AddressId, bool usable, std::string_view) override { probes_.push_back(usable); }

  void WaitFor(size_t results, size_t probes = 0) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while ((results_.size() < results || probes_.size() < probes) &&
           std::chrono::steady_clock::now() < end) {
      transport_->Wait(wake_, 100);
      transport_->Report(this);
    }
    ASSERT_EQ(results_.size(), results);
    ASSERT_EQ(probes_.size(), probes);
  }
  Result Ask(uint64_t timeout_ms = 20'000, AddressId address = 1) {
    const Call call{.kind = CallKind::kConnect, .serial = 1, .token = "t"};
    const Call* const named = &call;
    transport_->Start(++last_, address, {&named, 1}, timeout_ms);
    results_.clear();
    WaitFor(1);
    return results_.empty() ? Result{} : results_.front();
  }

  Server server_;
  config::HttpBackendOptions options_;
  std::unique_ptr<HttpTransport> transport_;
  const int wake_ = eventfd(0, EFD_NONBLOCK);
  ExchangeId last_ = 0;
  std::vector<Result> results_;
  std::vector<bool> probes_;
};

TEST_F(HttpTransportTest, PostsSignedJsonOnConnectionsThatAreKept) {
  server_.Answer(Http(200, R"({"allow":true,"key":"k"})"));
  for (int i = 0; i < 3; ++i) {
    const Result result = Ask();
    EXPECT_EQ(result.outcome, Outcome::kAnswered) << result.why;
    EXPECT_EQ(result.connect.verdict, ConnectVerdict::kAccepted);
    EXPECT_EQ(result.connect.key, "k");
  }
  EXPECT_EQ(server_.connections, 1);
  const std::string request = server_.Last();
  EXPECT_TRUE(absl::StartsWith(request, "POST /x HTTP/1.1\r\n")) << request;
  for (const char* const header : {"\r\nContent-Type: application/json\r\n", "\r\nAccept: application/json\r\n",
                                   "\r\nUser-Agent: halley\r\n", "\r\nHalley-Signature: t=1700000000,v1="}) {
    EXPECT_TRUE(absl::StrContains(request, header)) << request;
  }
}

TEST_F(HttpTransportTest, ANewSecretSignsWhatIsAskedFromThenOn) {
  server_.Answer(Http(200, R"({"allow":true,"key":"k"})"));
  const auto signature = [this] {
    EXPECT_EQ(Ask().outcome, Outcome::kAnswered);
    const std::string request = server_.Last();
    const size_t begin = request.find("Halley-Signature: ");
    return begin == std::string::npos ? "" : request.substr(begin, request.find('\r', begin) - begin);
  };
  const std::string first = signature();
  EXPECT_EQ(signature(), first);
  transport_->SetSecret("another");
  EXPECT_NE(signature(), first);
  transport_->SetSecret("secret");
  EXPECT_EQ(signature(), first);
  transport_->SetSecret("");
  EXPECT_EQ(signature(), "");
}

TEST_F(HttpTransportTest, JudgesWhatComesBack) {
  const struct {
    std::string answer;
    Outcome outcome;
  } kRows[] = {
      {Http(500, "x"), Outcome::kFailed},
      {Http(302, "", "Location: /y\r\n"), Outcome::kBadAnswer},
      {Http(403, ""), Outcome::kAnswered},
      {Http(200, "{"), Outcome::kBadAnswer},
      {Http(200, std::string(1001, ' ')), Outcome::kBadAnswer},
      {Http(200, R"({"allow":false})", "X: " + std::string(20'000, 'x') + "\r\n"), Outcome::kBadAnswer},
      {"close", Outcome::kFailed},
      {Http(200, R"({"allow":false})"), Outcome::kAnswered},
  };
  for (const auto& row : kRows) {
    server_.Answer(row.answer);
    const Result result = Ask();
    EXPECT_EQ(result.outcome, row.outcome) << row.answer.substr(0, 60) << ": " << result.why;
    EXPECT_EQ(result.outcome == Outcome::kAnswered, result.why.empty());
    EXPECT_EQ(result.connect.verdict, ConnectVerdict::kRefused);
  }
}

TEST_F(HttpTransportTest, DoesNotWaitForEver) {
  server_.Answer("");
  EXPECT_EQ(Ask(/*timeout_ms=*/50).outcome, Outcome::kTimedOut);
  const Call call{.kind = CallKind::kConnect};
  const Call* const named = &call;
  transport_->Start(77, 1, {&named, 1}, 20'000);
  transport_->Cancel(77);
  results_.clear();
  transport_->Wait(wake_, 1);
  transport_->Report(this);
  EXPECT_TRUE(results_.empty());
}

TEST_F(HttpTransportTest, TellsWhoCannotHaveHeard) {
  const int taken = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t bytes = sizeof address;
  ASSERT_EQ(bind(taken, reinterpret_cast<sockaddr*>(&address), bytes), 0);
  getsockname(taken, reinterpret_cast<sockaddr*>(&address), &bytes);
  // Bound and not listening: nobody else gets it meanwhile.
  transport_->Add(2, absl::StrCat("http://127.0.0.1:", ntohs(address.sin_port), "/"));
  EXPECT_EQ(Ask(20'000, 2).outcome, Outcome::kNotSent);
  close(taken);
}

TEST_F(HttpTransportTest, ProbesWithAPing) {
  server_.Answer(Http(200, "{}"));
  transport_->Probe(1, 20'000);
  WaitFor(0, 1);
  EXPECT_TRUE(probes_[0]);
  EXPECT_TRUE(absl::EndsWith(server_.Last(), R"({"event":"ping","node":"n1"})"));
  server_.Answer(Http(503, ""));
  transport_->Probe(1, 20'000);
  WaitFor(0, 2);
  EXPECT_FALSE(probes_[1]);
}

TEST_F(HttpTransportTest, GopusherJoinsOnceAndThenOnlyConnects) {
  transport_ = std::make_unique<HttpTransport>(options_, NewGopusherFlavour("n1"));
  transport_->Add(1, server_.url);
  server_.Answer(Http(200, R"({"code":0})", "Connection: close\r\n"));
  transport_->Probe(1, 20'000);
  WaitFor(0, 1);
  EXPECT_TRUE(probes_[0]);
  EXPECT_TRUE(absl::EndsWith(server_.Last(), R"({"method":"JoinCluster","args":["n1"]})"));
  transport_->Probe(1, 20'000);
  WaitFor(0, 2);
  EXPECT_TRUE(probes_[1]);
}

TEST_F(HttpTransportTest, IsWokenByTheDescriptor) {
  const uint64_t one = 1;
  ASSERT_EQ(write(wake_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
  const auto begun = std::chrono::steady_clock::now();
  transport_->Wait(wake_, 60'000);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(30));
}

}  // namespace
}  // namespace halley::remote
