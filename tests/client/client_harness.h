// What tests of the push client share.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "client/fake_node.h"
#include "halley/push_client.h"

namespace halley::client::testing {

inline const PushMessage kMessage{.op = 1000, .body = "hi"};

inline PushClientOptions OptionsFor(const FakeNode& node) {
  PushClientOptions options;
  options.address = node.address();
  options.backoff_min = absl::Milliseconds(1);
  options.backoff_max = absl::Milliseconds(2);
  // Long enough that a slow machine never fails a test; what must expire sets its own.
  options.connect_timeout = options.call_timeout = absl::Seconds(60);
  return options;
}

inline std::unique_ptr<PushClient> Open(PushClientOptions options) {
  absl::StatusOr<std::unique_ptr<PushClient>> client = PushClient::Connect(std::move(options));
  EXPECT_TRUE(client.ok()) << client.status();
  return client.ok() ? *std::move(client) : nullptr;
}

// A gate between a test and its node's thread.
class Gate {
 public:
  void Open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// Collects the answers of calls with callbacks.
class Answers {
 public:
  PushClient::Callback<PushReport> Next() {
    const std::lock_guard<std::mutex> lock(mutex_);
    const size_t index = answers_.size();
    answers_.push_back(absl::UnknownError("no answer yet"));
    return [this, index](absl::StatusOr<PushReport> report) {
      const std::lock_guard<std::mutex> inner(mutex_);
      answers_[index] = std::move(report);
    };
  }
  // After PushClient::Drain().
  std::vector<absl::StatusOr<PushReport>> all() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return answers_;
  }

 private:
  std::mutex mutex_;
  std::vector<absl::StatusOr<PushReport>> answers_;
};

}  // namespace halley::client::testing
