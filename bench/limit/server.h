// Server: the ruler. A goim server with nothing in it: anybody may log in, and what comes on the
// control connection goes to everybody by a bare loop of send().
//
// It makes the gateway's sockets, bytes and clients, so that the two differ only in what happens
// between a push and its sends. What is pushed while a loop runs waits for the next loop, which
// sends all of it (at most `coalesce` messages) in one send per client: the least that anybody can
// pay who does not hold messages back.
//
// Threads    One; everything but Stop() on it.
// Ownership  Owns its descriptors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "halley-load/bare_wire.h"
#include "halley-load/system.h"
#include "limit/options.h"
#include "session/client_session.h"

namespace halley::limit {

// One loop over all clients.
struct Round {
  uint64_t deliveries = 0;  // messages, times clients
  uint64_t loop_cpu_ns = 0;
  uint64_t softirq_ns = 0;
};

class Server {
 public:
  explicit Server(const LimitOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  absl::Status Listen();
  const std::string& clients_address() const { return clients_address_; }
  const std::string& control_address() const { return control_address_; }

  // Serves until SIGINT or SIGTERM, which must be blocked.
  absl::Status Serve();

  const std::vector<Round>& rounds() const { return rounds_; }
  // Sends that did not take everything at once and were finished by waiting: a receiver was too
  // slow, and the figures are not those of a bare loop.
  uint64_t waits() const { return waits_; }

 private:
  enum class Kind : uint8_t { kClientListener, kControlListener, kSignal, kClient, kControl };
  struct Peer {
    Kind kind;
    session::ClientSession session;
    std::string unread;
    size_t member = SIZE_MAX;  // index in members_
  };

  void Watch(int fd, Kind kind, uint32_t events);
  void OnAccept(int listener, Kind kind);
  void OnClient(int fd, Peer* peer);
  void OnControl(int fd, Peer* peer);
  bool ReadAll(int fd, std::string* unread);
  void Drop(int fd);
  void LogIn(int fd, Peer* peer, const wire::GoimFrame& token);
  void AppendPush(std::string_view body);
  void SendToEverybody(int control);
  void FinishSend(int fd, size_t sent);
  void AnswerFigures(int control);

  const LimitOptions& options_;
  const load::SoftirqClock softirq_;
  session::SessionLimits limits_;
  int epoll_fd_ = -1;
  std::string clients_address_;
  std::string control_address_;
  absl::flat_hash_map<int, Peer> peers_;  // everything that is watched
  std::vector<int> members_;              // logged in, in the order of their logins
  std::string batch_;                     // wire bytes of the pushes that wait
  uint32_t batch_messages_ = 0;
  std::vector<Round> rounds_;
  load::BareFigures figures_;
  uint64_t waits_ = 0;
  bool stopped_ = false;
};

}  // namespace halley::limit
