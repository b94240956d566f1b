// FakeRunner: a shard as the push service sees it, that keeps what it is told and answers when the
// test says so.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "halley/push.pb.h"
#include "shard/job.h"
#include "wire/rpc_frame.h"

namespace halley::push::testing {

class FakeRunner final : public shard::JobRunner {
 public:
  struct Run {
    shard::RpcId connection;
    uint64_t ticket;
    shard::Job job;
  };

  void RunJob(shard::RpcId connection, uint64_t ticket, shard::Job job) override {
    runs.push_back({connection, ticket, std::move(job)});
    if (on_run) on_run(runs.back());
  }
  void SendRpc(shard::RpcId, std::string_view bytes) override { sent.append(bytes); }
  void PauseRpc(shard::RpcId, bool paused) override { pauses.push_back(paused); }

  // What was sent since the last call, which must be whole replies.
  std::vector<v1::Reply> TakeReplies() {
    std::vector<v1::Reply> replies;
    wire::Inbox inbox{sent.data(), sent.data() + sent.size()};
    std::string_view payload;
    while (wire::NextRpcFrame(&inbox, size_t{1} << 30, &payload) == wire::DecodeStatus::kDone) {
      EXPECT_TRUE(replies.emplace_back().ParseFromArray(payload.data(),
                                                        static_cast<int>(payload.size())));
    }
    EXPECT_EQ(inbox.size(), 0u) << "bytes that are no whole reply";
    sent.clear();
    return replies;
  }
  v1::Reply TakeReply() {
    std::vector<v1::Reply> replies = TakeReplies();
    EXPECT_EQ(replies.size(), 1u);
    return replies.empty() ? v1::Reply() : replies.front();
  }

  std::vector<Run> runs;
  std::function<void(const Run&)> on_run;
  std::string sent;
  std::vector<bool> pauses;
};

}  // namespace halley::push::testing
