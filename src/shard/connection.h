// Connection: a slot. Descriptor, what is armed in the kernel, unread bytes, deadlines; and the
// session that gives its bytes a meaning.
//
// Life: handshake -> (waiting) -> live -> lingering -> draining -> gone; in place of live, answering
// for who only wants a file. *Lingering*: our farewell and FIN are out, the peer's end of stream is
// awaited for a moment, so that a reset does not overtake what was sent. *Draining*: the last armed
// operation's completion is awaited; only then is the descriptor closed and the slot given back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "io/ring.h"
#include "io/round.h"
#include "session/client_session.h"
#include "wire/close_reason.h"
#include "wire/goim_frame.h"
#include "wire/long_poll.h"

namespace halley::shard {

enum class Phase : uint8_t {
  kHandshake,  // until the login is accepted
  kWaiting,    // for the backend, for a room's home, or for its last bytes to go: nothing is read
  kLive,
  kAnswering,  // an HTTP response goes out, then it is closed: nothing is read
  kRpc,        // a push connection
  kLingering,
  kDraining,
};

// What a connection needs only in some phases.
struct Extra {
  virtual ~Extra() = default;
};

// What is waited for.
struct Asked {
  wire::GoimFrame request;  // the login, the room change or the new token, without its body
  std::string answer;       // of a login: as session::Opening has them
  uint32_t idle_ms = 0;
  std::optional<wire::LongPoll> poll;
};

// What only a client that has not logged in, or waits, needs.
struct Greeting final : Extra {
  std::string cookie;
  std::string forwarded_for;  // X-Forwarded-For, to be believed or not
  Asked asked;
  std::string body;  // of the reply that is waited for
};

// What only a connection that asked for a file needs.
struct FileAnswer final : Extra {
  std::string_view rest;  // of the response; lives as long as the shard's session limits
};

// What only a push connection needs.
struct RpcState final : Extra {
  std::string out;        // bytes for the pusher
  size_t out_sent = 0;    // of them, gone
  bool paused = false;    // by the push service: its pipeline is full
  bool blocked = false;   // its socket is full
  bool waiting = false;   // on the shard's list of those that may not be read now
  bool inside = false;    // this process' own: not counted, not limited, trusted
  bool observer = false;  // asks and never pushes: answered however congested the node is
  wire::CloseReason closing = wire::CloseReason::kNone;  // after `out` is gone
};

struct Connection {
  Connection(int32_t descriptor, session::Transport transport)
      : fd(descriptor), session(transport) {}

  int32_t fd;
  Phase phase = Phase::kHandshake;
  io::Op armed = io::Op::kNone;   // kPollOnce, kWatch or nothing
  bool cancelled : 1 = false;         // the armed operation is being cancelled
  bool readable_queued : 1 = false;   // on the shard's list of connections to read next turn
  bool readable_later : 1 = false;    // an edge came while nothing was read
  bool ended : 1 = false;             // the peer's end of stream, or a reset, lies behind what is unread
  bool saw_end : 1 = false;           // the peer's end of stream was read
  bool retired : 1 = false;           // is told to go as soon as it has been sent what it is owed
  bool watched : 1 = false;           // the shard's Watch remembers something of it
  wire::CloseReason reason = wire::CloseReason::kNone;
  uint32_t idle_ms = 0;           // idle timeout of a live client
  // Times in tenths of a second on the ring's clock; 0: none.
  uint32_t refresh_from_ds = 0;   // a new token may come from then on
  uint32_t expires_ds = 0;        // when the login of a live client no longer holds
  uint32_t leave_at_ds = 0;       // when its time here is over
  uint64_t deadline_ns = 0;       // handshake, idle or linger
  uint64_t serial = 0;            // never repeats on this node
  session::ClientSession session;
  uint32_t inbox_bytes = 0;       // in use of `inbox`
  io::Chunk inbox;                // unread bytes that had to outlive a turn
  std::unique_ptr<Extra> extra;   // a Greeting, a FileAnswer, an RpcState, or nothing

  // Null when there is none.
  Greeting* greeting() const {
    return phase == Phase::kRpc || phase == Phase::kAnswering
               ? nullptr
               : static_cast<Greeting*>(extra.get());
  }
  FileAnswer* file_answer() const {
    return phase == Phase::kAnswering ? static_cast<FileAnswer*>(extra.get()) : nullptr;
  }
  RpcState* rpc() const {
    return phase == Phase::kRpc ? static_cast<RpcState*>(extra.get()) : nullptr;
  }
};

static_assert(sizeof(Connection) <= 96);

}  // namespace halley::shard
