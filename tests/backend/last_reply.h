// LastReply: a sink that remembers.
#pragma once

#include <utility>

#include "backend/backend.h"

namespace halley::backend::testing {

class LastReply final : public BackendSink {
 public:
  void OnConnectReply(Ticket to, ConnectReply with) override {
    ++count;
    ticket = to;
    reply = std::move(with);
  }
  void OnRefreshReply(Ticket to, RefreshReply with) override {
    ++count;
    ticket = to;
    refreshed = with;
  }
  int count = 0;
  Ticket ticket;
  ConnectReply reply;
  RefreshReply refreshed;
};

}  // namespace halley::backend::testing
