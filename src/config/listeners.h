// Listeners: a row for each option of [listen] that says where to listen, for whoever goes through them: what is
// bound and printed (gateway), what is checked (check.cc), counted and looked at (doctor). Another listener is a
// row here, and its option in options.h and table_listen.cc.
//
// Threads    Constant; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>

#include "absl/strings/string_view.h"
#include "config/options.h"

namespace halley::config {

// What is spoken there, inside TLS or not.
enum class ListenerKind : uint8_t {
  kTcp, kWebSocket, kGopush, kGopusher, kGoimV1Tcp, kGoimV1WebSocket, kPush, kAdmin, kCometGrpc
};

using ListenerList = std::string ListenOptions::*;

struct ListenerSpec {
  absl::string_view option;
  absl::string_view name;  // before its addresses, when the program says where it listens
  ListenerList list;
  ListenerKind kind;
  bool tls = false;  // inside TLS, with tls.certificates; the others' TLS is a matter of their own options

  // Shards have the connections; else a server with threads of its own.
  constexpr bool OnShards() const {
    return kind != ListenerKind::kAdmin && kind != ListenerKind::kCometGrpc;
  }
  constexpr bool ForClients() const { return OnShards() && kind != ListenerKind::kPush; }
  // Of those for clients: what comes first is a request of HTTP.
  constexpr bool SpeaksHttp() const {
    return kind == ListenerKind::kWebSocket || kind == ListenerKind::kGopusher ||
           kind == ListenerKind::kGoimV1WebSocket;
  }
};

// In the order in which they are printed; those for clients come first.
inline constexpr ListenerSpec kListeners[] = {
    {"listen.tcp", "tcp", &ListenOptions::tcp, ListenerKind::kTcp},
    {"listen.tcp_tls", "tcp_tls", &ListenOptions::tcp_tls, ListenerKind::kTcp, true},
    {"listen.ws", "ws", &ListenOptions::ws, ListenerKind::kWebSocket},
    {"listen.wss", "wss", &ListenOptions::wss, ListenerKind::kWebSocket, true},
    {"listen.gopush_tcp", "gopush", &ListenOptions::gopush_tcp, ListenerKind::kGopush},
    {"listen.gopush_tcp_tls", "gopush_tls", &ListenOptions::gopush_tcp_tls, ListenerKind::kGopush, true},
    {"listen.gopusher", "gopusher", &ListenOptions::gopusher, ListenerKind::kGopusher},
    {"listen.gopusher_tls", "gopusher_tls", &ListenOptions::gopusher_tls, ListenerKind::kGopusher, true},
    {"listen.v1_tcp", "v1_tcp", &ListenOptions::v1_tcp, ListenerKind::kGoimV1Tcp},
    {"listen.v1_tcp_tls", "v1_tcp_tls", &ListenOptions::v1_tcp_tls, ListenerKind::kGoimV1Tcp, true},
    {"listen.v1_ws", "v1_ws", &ListenOptions::v1_ws, ListenerKind::kGoimV1WebSocket},
    {"listen.v1_wss", "v1_wss", &ListenOptions::v1_wss, ListenerKind::kGoimV1WebSocket, true},
    {"listen.admin", "admin", &ListenOptions::admin, ListenerKind::kAdmin},
    {"listen.comet_grpc", "comet_grpc", &ListenOptions::comet_grpc, ListenerKind::kCometGrpc},
    {"listen.push", "push", &ListenOptions::push, ListenerKind::kPush},
};

inline constexpr size_t kListenersCount = std::size(kListeners);

// Where `list` stands in kListeners, which has all of them.
constexpr size_t ListenerIndex(ListenerList list) {
  size_t index = 0;
  while (kListeners[index].list != list) ++index;
  return index;
}

}  // namespace halley::config
