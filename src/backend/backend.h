// Backend: who decides who a client is, and hears about connects, disconnects and uplink messages
// (goim calls it logic). It answers later: no call blocks, and the answer comes back through
// BackendSink on the same shard, in the call itself or in any later turn.
//
// Threads    One Backend object per shard, used on that shard's thread only. An implementation that
//            talks to a network does so on a thread of its own, and answers when TakeAnswers() is called.
// Ownership  Views in requests live for the call. Answers are moved.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace halley::backend {

// Names the connection that waits: given back with the answer, checked against a stale generation.
struct Ticket {
  uint32_t slot = 0;
  uint32_t generation = 0;
};

struct ConnectRequest {
  Ticket ticket;
  uint64_t serial = 0;       // of the connection, as in ClientIdentity
  std::string_view token;    // body of op 7
  std::string_view cookie;   // Cookie header of the upgrade; empty on TCP
  // The client's, "1.2.3.4:5" or "[::1]:5"; the port is 0 where X-Forwarded-For names none. Empty
  // unless WantsAddress().
  std::string_view address;
};

enum class ConnectVerdict : uint8_t { kAccepted, kRefused, kUnavailable };

struct ConnectReply {
  ConnectVerdict verdict = ConnectVerdict::kRefused;
  int64_t mid = 0;  // 0: anonymous
  std::string key;
  std::string room;  // empty: none
  std::vector<int32_t> accepts;
  uint64_t idle_timeout_ms = 0;  // 0: the configured one
  uint64_t expires_in_ms = 0;    // until the connection is closed as token_expired; 0: never
  uint64_t serial = 0;  // the request's, from who answers later and hears of disconnects; else 0
};

// Which connection an event is about. `serial` never repeats on this node, so that the end of an
// old connection cannot erase the session of a new one with the same key.
struct ClientIdentity {
  int64_t mid = 0;
  std::string_view key;
  uint64_t serial = 0;
};

// A client that is logged in shows a new token before its old one ends.
struct RefreshRequest {
  Ticket ticket;
  ClientIdentity client;   // who it is, and must stay
  std::string_view token;  // body of op 18
};

struct RefreshReply {
  ConnectVerdict verdict = ConnectVerdict::kRefused;  // any but kAccepted: the old end stays
  uint64_t expires_in_ms = 0;  // as in ConnectReply, in place of what that said
};

// Refusals of one cause, so far. Names are the backend's own, and static.
struct Refusals {
  std::string_view cause;
  uint64_t count = 0;
};

class BackendSink {
 public:
  virtual ~BackendSink() = default;
  virtual void OnConnectReply(Ticket ticket, ConnectReply reply) = 0;
  virtual void OnRefreshReply(Ticket ticket, RefreshReply reply) = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // What it has refused, by cause; empty where there is but one.
  virtual absl::Span<const Refusals> refusals() const { return {}; }

  // Whether Connect() is to be told the client's address, which costs a system call.
  virtual bool WantsAddress() const { return false; }

  // Answered exactly once through the sink, unless the ticket's connection has ended: then the
  // answer may come and is dropped.
  virtual void Connect(const ConnectRequest& request, BackendSink& sink) = 0;

  // Whether clients may show a new token; the same for as long as the backend lives. False: op 18 is
  // an op of the application's own, for Receive().
  virtual bool TakesRefreshes() const { return false; }

  // Answered as Connect() is; one at a time for each connection. Only asked of who takes them.
  virtual void Refresh(const RefreshRequest& request, BackendSink& sink) {
    sink.OnRefreshReply(request.ticket, {ConnectVerdict::kUnavailable});
  }

  // A client that Connect() accepted is logged in.
  virtual void Admitted(const ClientIdentity&) {}

  // Who was admitted has ended. `key_still_live`: another connection with the same key is logged in on
  // this node, or may be.
  virtual void Disconnect(const ClientIdentity& client, bool key_still_live) = 0;

  // What Connect() accepted came to nothing: the client has gone, or is not let in.
  virtual void Abandon(const ClientIdentity& client, bool key_still_live) {
    Disconnect(client, key_still_live);
  }

  // Of one whose answers come later: readable when there may be some; -1: they come in the call. The
  // shard watches it from its start to its end, in its own table of descriptors.
  virtual int AnswersDescriptor() const { return -1; }
  // Answers what can be answered now.
  virtual void TakeAnswers(BackendSink&) {}

  // A heartbeat arrived from the client.
  virtual void Heartbeat(const ClientIdentity& client) = 0;

  // An uplink message with an op of the application's own. In order per connection.
  virtual void Receive(const ClientIdentity& client, int32_t op, int32_t seq,
                       std::string_view body) = 0;
};

}  // namespace halley::backend
