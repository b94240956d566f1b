// The push port of a Halley node, through its client library.
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "halley-load/bare_port.h"
#include "halley-load/push_port.h"
#include "halley/push_client.h"

namespace halley::load {
namespace {

class HalleyPort final : public PushPort {
 public:
  HalleyPort(const Plan& plan, std::unique_ptr<PushClient> client)
      : plan_(plan), client_(std::move(client)) {
    message_.op = plan.options().op;
    // Names are made beforehand, so that a pusher is not measured making them.
    for (uint32_t target = 0; plan.options().to == To::kKey && target < plan.targets(); ++target) {
      keys_.push_back(plan.KeysOf(target));
    }
  }
  // The client first: its destruction still answers calls, into what stands below.
  ~HalleyPort() override { client_.reset(); }

  void Push(uint32_t target, std::string_view body) override {
    message_.body.assign(body);
    auto done = [this](absl::StatusOr<PushReport> report) { OnAnswer(report); };
    switch (plan_.options().to) {
      case To::kAll: return client_->PushAll(message_, 0, std::move(done));
      case To::kMid: return client_->PushMids({plan_.Mid(target)}, message_, std::move(done));
      case To::kRoom:
        room_[0] = plan_.Room(target);
        return client_->PushRooms(room_, message_, std::move(done));
      case To::kKey: return client_->PushKeys(keys_[target], message_, std::move(done));
    }
  }

  PushTotals Finish(uint64_t) override {
    client_->Drain();  // every call ends by its own deadline
    const std::lock_guard lock(mutex_);
    return totals_;
  }

  absl::StatusOr<ServerFigures> Figures() override {
    const absl::StatusOr<NodeFigures> node = client_->Status();
    if (!node.ok()) return node.status();
    ServerFigures sum;
    for (const ShardFigures& shard : node->shards) {
      sum.cpu_ns += shard.cpu_ns;
      sum.logins += shard.logins;
      sum.sends += shard.ring.sends;
      sum.expected += shard.deliveries.expected;
      sum.delivered += shard.deliveries.delivered;
      sum.refused += shard.deliveries.refused;
      sum.pending += shard.deliveries.pending;
      for (const NamedCount& skipped : shard.deliveries.skipped) sum.skipped += skipped.count;
    }
    return sum;
  }

 private:
  void OnAnswer(const absl::StatusOr<PushReport>& report) {
    const std::lock_guard lock(mutex_);
    if (report.ok()) {
      ++totals_.answered;
      totals_.taken += report->taken;
      return;
    }
    ++totals_.failed;
    if (totals_.first_error.empty()) totals_.first_error = std::string(report.status().message());
  }

  const Plan& plan_;
  std::unique_ptr<PushClient> client_;
  PushMessage message_;
  std::vector<std::string> room_ = std::vector<std::string>(1);
  std::vector<std::vector<std::string>> keys_;  // by target
  std::mutex mutex_;  // the client's thread answers
  PushTotals totals_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<PushPort>> OpenPushPort(const Plan& plan) {
  const LoadOptions& options = plan.options();
  if (!options.bare_address.empty()) return OpenBarePort(options.bare_address);
  PushClientOptions client_options;
  client_options.address = options.push_address;
  client_options.secret = options.secret;
  client_options.call_timeout = absl::Milliseconds(options.drain_ms);
  // What is not answered may have been pushed or not; a run that lost its port cannot be judged.
  client_options.reconnect = false;
  absl::StatusOr<std::unique_ptr<PushClient>> client =
      PushClient::Connect(std::move(client_options));
  if (!client.ok()) return client.status();
  return std::make_unique<HalleyPort>(plan, *std::move(client));
}

}  // namespace halley::load
