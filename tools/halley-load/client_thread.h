// ClientThread: a share of the clients, on one thread with a descriptor table of its own.
//
// One edge-triggered epoll, one big read buffer that every client is read into, frames handled
// where they lie. A client that is between messages owns no buffer.
//
// Threads    Run() on a thread of its own. gauges() on any. Everything else after Run() returned.
// Ownership  Borrows the crew. Owns its descriptors, which exist in no other thread.
// Limits     As many clients as the descriptor limit has room for (see kDescriptorsSpare).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "halley-load/crew.h"
#include "halley-load/histogram.h"
#include "halley-load/ledger.h"
#include "halley-load/pace.h"
#include "halley-load/protocol.h"
#include "halley-load/stamp.h"
#include "tls/channel.h"

namespace halley::load {

// Beside the clients' sockets a thread's table holds the standard streams and its epoll.
inline constexpr uint32_t kDescriptorsSpare = 16;

struct ThreadReport {
  uint64_t foreign = 0;            // messages that this run did not push, or not to this client
  uint64_t bad_bytes = 0;          // connections given up because the server broke the protocol
  uint64_t disconnected = 0;       // healthy clients that the server closed
  uint64_t disconnected_stalled = 0;
  uint64_t heartbeats = 0;
  uint64_t heartbeat_replies = 0;
  uint64_t reconnects = 0;         // logins after the first
  uint64_t measured = 0;           // distinct messages of the measured part
  uint64_t last_arrival_ns = 0;    // of the measured part
  std::map<uint16_t, uint64_t> close_codes;
  std::string first_error;         // why the first login failed
  Histogram latency_ns;            // push to receive, of the measured part, healthy clients
  Histogram login_ns;              // connect() to the login's answer, of all logins
  Histogram heartbeat_ns;          // heartbeat to its answer
  uint64_t reads = 0;              // that brought something, since pushing began
  uint64_t read_bytes = 0;
};

class ClientThread {
 public:
  // Serves the clients `index`, `index + step`, `index + 2 * step`, ...
  ClientThread(Crew& crew, uint32_t index, uint32_t step);
  ~ClientThread();
  ClientThread(const ClientThread&) = delete;
  ClientThread& operator=(const ClientThread&) = delete;

  // Connects all of its clients, then serves them until the phase is kStopped.
  void Run();

  const Gauges& gauges() const { return gauges_; }
  const ThreadReport& report() const { return report_; }
  const Ledger& ledger() const { return ledger_; }
  uint32_t clients() const { return static_cast<uint32_t>(clients_.size()); }
  uint32_t NumberOf(uint32_t local) const { return index_ + local * step_; }

 private:
  enum class State : uint8_t {
    kWaiting,     // for its turn to connect
    kConnecting,
    kSecuring,    // its TLS handshake is under way
    kLoggingIn,
    kLive,
    kClosed,      // by the server
    kFailed,      // to log in, for good
  };
  struct Client {
    std::string rest;  // the beginning of a message whose end has not arrived
    std::unique_ptr<tls::Channel> tls;  // null: plain
    uint64_t asked_ns = 0;  // when the login began or a heartbeat was sent; 0: nothing is asked
    uint32_t target = 0;
    int fd = -1;
    uint16_t attempt = 0;  // counts up with every connect, so that old deadlines are known
    uint8_t failures = 0;  // in a row
    State state = State::kWaiting;
    uint8_t stage = 0;     // the protocol's
    bool stalled = false;
    bool known = false;    // has been logged in before
  };
  struct Deadline {
    uint64_t at_ns;
    uint32_t client;
    uint16_t attempt;
  };
  struct Retry {
    uint64_t at_ns;
    uint32_t client;
  };

  // One client's downlink, as the protocol tells it.
  class ClientEars;

  // The turns of the loop.
  void StartLogins();
  void SendHeartbeats();
  void Churn();
  void ChangeRooms();
  void EnforceDeadlines();
  void Serve(bool sleep);
  void CountSpun(bool empty);
  void PublishArrivals();
  void Audit();
  void ReadStalled();
  void CloseBooks();

  // One client.
  void Connect(uint32_t local);
  void OnConnected(uint32_t local);
  void Secure(uint32_t local);
  void Greet(uint32_t local);
  void OnEvents(uint32_t local, uint32_t events);
  void Read(uint32_t local, bool to_the_end);
  // As recv(2); -1 with errno EPROTO when TLS has failed.
  static ssize_t Receive(Client& client, char* to, size_t bytes);
  size_t Consume(uint32_t local, std::string_view bytes);
  void OnPush(uint32_t local, std::string_view body);
  void OnLoggedIn(uint32_t local);
  void OnHeartbeatReply(uint32_t local);
  void OnRoomChanged();
  void OnEnded(uint32_t local, std::string_view why);
  void LoginFailed(uint32_t local, std::string_view why);
  void SendNow(uint32_t local, std::string_view bytes);
  void Drop(uint32_t local);

  Crew& crew_;
  const LoadOptions& options_;
  const std::unique_ptr<Protocol> protocol_;
  const uint32_t index_;
  const uint32_t step_;
  std::vector<Client> clients_;
  Ledger ledger_;
  Gauges gauges_;
  ThreadReport report_;
  std::mt19937_64 random_;

  int epoll_fd_ = -1;
  std::vector<char> buffer_;
  uint64_t now_ns_ = 0;  // read once per turn, and again when a client is read
  Phase phase_ = Phase::kConnecting;  // read once per turn

  uint32_t next_login_ = 0;           // clients before it have had their first turn
  uint32_t logging_in_ = 0;
  Pace login_pace_;
  Pace churn_pace_;
  Pace heartbeat_pace_;
  uint32_t next_heartbeat_ = 0;
  uint32_t next_change_ = 0;          // the client that changes its room next,
  uint32_t changes_turn_ = 1;         // to the room so many after its own
  uint64_t spun_from_ns_ = 0;         // CPU time at the end of an empty poll; 0: it was not empty
  uint64_t next_audit_ns_ = 0;
  std::deque<Deadline> deadlines_;    // of logins under way, oldest first
  std::deque<Retry> retries_;         // logins to try again, in the order of their times

  // Deliveries of windowed pushes since the last publication, per pusher and slot.
  std::vector<std::vector<uint32_t>> arrivals_;
  std::vector<std::pair<uint32_t, uint32_t>> arrived_;  // which of them are not 0
  std::vector<uint32_t> sent_;        // scratch
  std::string out_;                   // scratch
};

}  // namespace halley::load
