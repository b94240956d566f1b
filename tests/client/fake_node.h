// FakeNode: a push port on loopback that behaves as a test's script says, connection by connection.
//
// Threads    The script runs on the node's thread; the test waits for it in the destructor.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "halley/push.pb.h"

namespace halley::client::testing {

class FakeConnection {
 public:
  FakeConnection(int fd, int stop_fd) : fd_(fd), stop_fd_(stop_fd) {}

  // Waits for a request; nullopt when the client has closed, or the test is over.
  std::optional<push::v1::Request> Receive();
  void Send(const push::v1::Reply& reply);
  void SendBytes(std::string_view bytes);

  // Answers Hello and returns the secret it showed; nullopt when none came.
  std::optional<std::string> Hello(uint32_t message_bytes = 1 << 20);
  // Answers every request with `taken` until the client closes.
  void AnswerAll(uint64_t taken);

 private:
  const int fd_;
  const int stop_fd_;
  std::string unread_;
};

// The bytes of a framed reply.
std::string FrameOf(const push::v1::Reply& reply);
// A reply of a push.
push::v1::Reply TakenReply(uint64_t id, uint64_t taken);

class FakeNode {
 public:
  // `script` is called for each connection in turn with its number, from 0. The connection is
  // closed when it returns.
  using Script = std::function<void(FakeConnection& connection, int number)>;
  explicit FakeNode(Script script);
  ~FakeNode();

  const std::string& address() const { return address_; }

 private:
  void Run();

  const Script script_;
  int listener_ = -1;
  int stop_fd_ = -1;  // readable once the test is over
  std::string address_;
  std::thread thread_;
};

}  // namespace halley::client::testing
