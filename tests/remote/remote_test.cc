#include "remote/remote.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>

#include "remote/fake_transport.h"

namespace halley::remote {
namespace {

using backend::ConnectVerdict;

class Sink final : public backend::BackendSink {
 public:
  void OnConnectReply(backend::Ticket ticket, backend::ConnectReply reply) override {
    replies.emplace_back(ticket.slot, std::move(reply));
  }
  void OnRefreshReply(backend::Ticket, backend::RefreshReply reply) override {
    refreshes.push_back(reply);
  }
  std::vector<std::pair<uint32_t, backend::ConnectReply>> replies;
  std::vector<backend::RefreshReply> refreshes;
};

class RemoteBackendTest : public testing::Test {
 protected:
  void SetUp() override {
    bell_ = std::make_unique<Doorbell>(eventfd(0, EFD_NONBLOCK));
    road_ = std::make_unique<Road>(bell_.get(), eventfd(0, EFD_NONBLOCK));
  }
  void TearDown() override {
    close(bell_->descriptor());
    close(road_->shard_bell().descriptor());
  }
  std::unique_ptr<RemoteBackend> New(Traits traits) {
    RemoteBackendSetup setup;
    setup.road = road_.get();
    setup.figures = &figures_;
    setup.traits = traits;
    setup.heartbeat_min_s = 10;
    setup.heartbeat_max_s = 20;
    setup.now_s = [this] { return now_s_; };
    setup.seed = 3;
    return std::make_unique<RemoteBackend>(setup);
  }
  std::vector<CallKind> TakeCalls() {
    std::vector<CallKind> kinds;
    std::unique_ptr<Call> call;
    while (road_->TakeCall(&call)) kinds.push_back(call->kind);
    return kinds;
  }

  std::unique_ptr<Doorbell> bell_;
  std::unique_ptr<Road> road_;
  Figures figures_;
  Sink sink_;
  uint64_t now_s_ = 100;
};

TEST_F(RemoteBackendTest, AFullRoadRefusesLoginsAtOnceAndCountsTheRest) {
  const auto backend = New({.messages = true});
  for (size_t i = 0; i < Road::kCalls; ++i) backend->Connect({.token = "t"}, sink_);
  EXPECT_TRUE(sink_.replies.empty());
  backend->Connect({.ticket = {7, 1}, .token = "t"}, sink_);
  ASSERT_EQ(sink_.replies.size(), 1u);
  EXPECT_EQ(sink_.replies[0].first, 7u);
  EXPECT_EQ(sink_.replies[0].second.verdict, ConnectVerdict::kUnavailable);
  backend->Receive({.key = "k"}, 1, 2, "body");
  EXPECT_EQ(figures_.Get(CallKind::kConnect, Ending::kQueueFull), 1u);
  EXPECT_EQ(figures_.Get(CallKind::kReceive, Ending::kQueueFull), 1u);
  EXPECT_EQ(TakeCalls().size(), Road::kCalls);
}

TEST_F(RemoteBackendTest, WithoutSerialsALiveKeysDisconnectIsNotTold) {
  const auto backend = New({});
  backend->Disconnect({.key = "k", .serial = 1}, /*key_still_live=*/true);
  EXPECT_TRUE(TakeCalls().empty());
  EXPECT_EQ(figures_.Get(CallKind::kDisconnect, Ending::kKeyLive), 1u);
  backend->Disconnect({.key = "k", .serial = 1}, false);
  EXPECT_EQ(TakeCalls().size(), 1u);
  New({.carries_serial = true})->Disconnect({.key = "k", .serial = 1}, true);
  EXPECT_EQ(TakeCalls().size(), 1u) << "its backend can tell by the serial";
}

TEST_F(RemoteBackendTest, WhoWasNotAnnouncedDoesNotGo) {
  const auto backend = New({.announces = true});
  backend->Abandon({.key = "k"}, false);
  EXPECT_TRUE(TakeCalls().empty());
  backend->Admitted({.key = "k"});
  backend->Disconnect({.key = "k"}, false);
  EXPECT_EQ(TakeCalls(), (std::vector<CallKind>{CallKind::kOnline, CallKind::kDisconnect}));
  New({})->Abandon({.key = "k"}, false);
  EXPECT_EQ(TakeCalls(), (std::vector<CallKind>{CallKind::kDisconnect}));
}

TEST_F(RemoteBackendTest, PassesAHeartbeatOnNowAndThen) {
  const auto backend = New({.heartbeats = true});
  int told = 0;
  for (int i = 0; i < 1000; ++i, ++now_s_) {
    backend->Heartbeat({.key = "k", .serial = 1});
    told += static_cast<int>(TakeCalls().size());
  }
  EXPECT_GE(told, 1000 / 20 - 1);
  EXPECT_LE(told, 1000 / 10);
  const auto silent = New({});
  silent->Heartbeat({.key = "k"});
  silent->Receive({.key = "k"}, 1, 1, "x");
  silent->Admitted({.key = "k"});
  EXPECT_TRUE(TakeCalls().empty());
}

// Accepts everybody on the thread that asks.
class YesTransport final : public Transport {
 public:
  Traits traits() const override { return {.carries_serial = true, .refreshes = true}; }
  void Add(AddressId, std::string_view) override {}
  void Remove(AddressId) override {}
  void Start(ExchangeId exchange, AddressId, absl::Span<const Call* const> calls, uint64_t) override {
    Result result{.outcome = Outcome::kAnswered};
    result.connect.verdict = result.refresh.verdict = ConnectVerdict::kAccepted;
    result.connect.key = calls.front()->token;
    done_.emplace_back(exchange, std::move(result));
  }
  void Cancel(ExchangeId) override {}
  void Probe(AddressId, uint64_t) override {}
  void Wait(int wake_fd, uint64_t wait_ms) override {
    pollfd wake{.fd = wake_fd, .events = POLLIN, .revents = 0};
    poll(&wake, 1, done_.empty() ? static_cast<int>(std::min<uint64_t>(wait_ms, 10'000)) : 0);
  }
  void Report(TransportSink* sink) override {
    std::vector<std::pair<ExchangeId, Result>> done;
    done.swap(done_);
    for (auto& [exchange, result] : done) sink->OnDone(exchange, std::move(result));
  }

 private:
  std::vector<std::pair<ExchangeId, Result>> done_;
};

TEST(Remote, AnswersShardsOnTheirThreads) {
  constexpr uint32_t kShards = 3;
  constexpr size_t kLogins = 20'000;
  RemoteSetup setup;
  setup.transport = std::make_unique<YesTransport>();
  setup.addresses = {"a"};
  setup.shards = kShards;
  setup.engine.queue = kLogins * kShards;
  setup.engine.timeout_ms = 60'000;
  setup.tell = [](const AddressNews&) {};
  auto remote = Remote::Create(std::move(setup));
  ASSERT_TRUE(remote.ok());
  (*remote)->Start();
  std::vector<std::thread> shards;
  std::vector<size_t> accepted(kShards, 0);
  for (uint32_t shard = 0; shard < kShards; ++shard) {
    shards.emplace_back([&, shard] {
      const auto backend = (*remote)->NewBackend(shard);
      Sink sink;
      size_t asked = 0;
      while (sink.replies.size() < kLogins) {
        while (asked < kLogins && asked - sink.replies.size() < 500) {
          const std::string token = std::to_string(asked);
          backend->Connect({.ticket = {static_cast<uint32_t>(asked), 1}, .token = token}, sink);
          ++asked;
        }
        const size_t before = sink.replies.size();
        // What a shard's ring does: sleeps until there is an edge.
        pollfd ready{.fd = backend->AnswersDescriptor(), .events = POLLIN, .revents = 0};
        ASSERT_EQ(poll(&ready, 1, 30'000), 1);
        uint64_t count;
        ASSERT_EQ(read(ready.fd, &count, sizeof count), static_cast<ssize_t>(sizeof count));
        backend->TakeAnswers(sink);
        for (size_t i = before; i < sink.replies.size(); ++i) {
          const auto& [slot, reply] = sink.replies[i];
          if (reply.key == std::to_string(slot)) ++accepted[shard];
        }
      }
    });
  }
  for (std::thread& shard : shards) shard.join();
  for (const size_t count : accepted) EXPECT_EQ(count, kLogins);
  (*remote)->Finish(10'000);
  EXPECT_EQ((*remote)->figures().Get(CallKind::kConnect, Ending::kAnswered), kLogins * kShards);
}

TEST(Remote, TellsWhatIsLeftBeforeItEnds) {
  RemoteSetup setup;
  setup.transport = std::make_unique<YesTransport>();
  setup.addresses = {"a"};
  setup.tell = [](const AddressNews&) {};
  auto remote = Remote::Create(std::move(setup));
  ASSERT_TRUE(remote.ok());
  const auto backend = (*remote)->NewBackend(0);
  for (uint64_t i = 1; i <= 3000; ++i) backend->Disconnect({.key = "k", .serial = i}, false);
  (*remote)->Start();
  (*remote)->Finish(30'000);
  EXPECT_EQ((*remote)->figures().Get(CallKind::kDisconnect, Ending::kAnswered), 3000u);
}

}  // namespace
}  // namespace halley::remote
