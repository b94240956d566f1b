// Pump: the client's own thread. It opens the connection and shows the secret, writes frames of the
// CallTable in batches, answers calls as replies come, and opens the connection again when it ends.
//
// Threads    Start(), Wake(), Stop() and the constructor on the client's threads, the rest on the
//            pump's own.
// Ownership  Borrows the CallTable, which outlives it.
// Limits     kBatchBytes of frames are in its hands at a time, and one reply of at most
//            PushClientOptions::reply_bytes_max.
#pragma once

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "client/call_table.h"
#include "client/socket.h"
#include "halley/push.pb.h"
#include "halley/push_client.h"
#include "tls/client.h"

namespace halley::client {

class Pump {
 public:
  static constexpr uint64_t kHelloId = 1;  // calls are numbered from the next one

  // `tls`: null for plain connections.
  Pump(PushClientOptions options, HostPort to, std::unique_ptr<tls::Client> tls,
       CallTable* calls);
  // Over a connection that is there already, and is the only one: no other is opened.
  Pump(PushClientOptions options, Socket socket, CallTable* calls);
  ~Pump();  // after Stop(), or without a Start() that was tried

  // Starts the thread and waits for the outcome of its first attempt to connect.
  absl::Status Start();
  void Wake();
  // Ends the thread; calls that are left are answered with kCancelled.
  void Stop();

  // True on the pump's own thread, hence in callbacks.
  bool OnThread() const { return running_ && pthread_equal(pthread_self(), thread_) != 0; }
  // The node's limit on one request.
  uint32_t message_bytes_max() const { return message_bytes_max_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kBatchBytes = 256 << 10;
  static constexpr size_t kReadBytes = 64 << 10;
  using OnReply = absl::FunctionRef<absl::Status(const push::v1::Reply&)>;

  static void* Main(void* pump);
  void Run();
  void ReportFirst(const absl::Status& status);

  absl::Status Open();
  absl::Status Secure(Clock::time_point until);
  absl::Status Hello(Clock::time_point until);
  absl::Status CannotTalk(const absl::Status& status) const;
  absl::Status Serve();

  // Sends what is to be sent until the socket is full.
  absl::Status Flush();
  // Reads once, and gives every whole reply to `on_reply`.
  absl::Status Read(OnReply on_reply);
  absl::Status OnFrame(std::string_view payload, OnReply on_reply);
  void MakeReadRoom();

  // One poll(2), cut short by Wake(), deadlines of calls (which expire here) and `until`. Does not
  // wait when there are frames to take and the caller `may_take` them.
  short Poll(int fd, short events, Clock::time_point until, bool may_take);
  // Polls until the descriptor is ready.
  absl::Status WaitFor(int fd, short events, Clock::time_point until);
  bool stopping() const { return stopping_.load(std::memory_order_acquire); }

  const PushClientOptions options_;
  const HostPort to_;
  const std::unique_ptr<tls::Client> tls_;  // null: plain
  CallTable& calls_;

  int wake_fd_ = -1;
  bool running_ = false;
  pthread_t thread_{};
  std::atomic<bool> stopping_{false};
  std::atomic<uint32_t> message_bytes_max_{0};

  std::mutex first_mutex_;
  std::condition_variable first_changed_;
  std::optional<absl::Status> first_;  // outcome of the first attempt; under first_mutex_

  // The pump thread's own.
  Socket socket_;
  std::string out_;  // frames taken from the table
  size_t out_sent_ = 0;
  std::string in_;  // in_[in_begin_, in_end_) is unread
  size_t in_begin_ = 0;
  size_t in_end_ = 0;
  push::v1::Reply reply_;     // reused for its memory
  uint64_t answered_ = 0;     // calls, on this connection
  std::string not_sent_;      // why calls that expire now were never sent
};

}  // namespace halley::client
