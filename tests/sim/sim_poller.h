// SimPoller: a long poll of goim v1's, and the judge of what it is sent: one response with the one
// push that it may have got, or that none came, or a refusal; of each only the beginning where the
// connection ends early, and nothing behind it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/ledger.h"
#include "sim/peer.h"
#include "sim/sim_core.h"
#include "sim/sim_net.h"

namespace halley::sim {

struct PollerSetup {
  std::string key;
  int64_t mid = 0;
  std::string room;
  bool script = false;  // with a callback
};

class SimPoller final : public Peer {
 public:
  SimPoller(SimCore* core, SimNet* net, const Ledger* ledger, uint32_t number, PollerSetup setup)
      : core_(*core), net_(*net), ledger_(*ledger), number_(number), setup_(std::move(setup)) {}

  // Sends the request, and perhaps something behind it, which means nothing.
  void Ask(uint32_t shard, std::string_view behind);

  Link* link() const { return link_; }
  bool over() const { return over_; }
  // The server's socket has taken all of a response that is no refusal.
  bool answered() const { return answered_; }
  // The push in it, if it was one; and the shard that sent it.
  const std::vector<uint32_t>& received() const { return received_; }
  uint64_t delivered_by(uint32_t shard) const {
    return !received_.empty() && delivered_on_ == shard ? 1 : 0;
  }

  // --- Peer
  void OnTaken(std::string_view bytes) override;
  void OnBytes(std::string_view bytes) override { read_bytes_ += bytes.size(); }
  void OnEnd(bool reset) override;

 private:
  void Wrong(const std::string& what);
  void OnMessage(std::string_view text);
  bool MayGet(const Message& message) const;

  SimCore& core_;
  SimNet& net_;
  const Ledger& ledger_;
  const uint32_t number_;
  const PollerSetup setup_;
  Link* link_ = nullptr;
  std::string taken_;
  uint64_t asked_ = 0;  // a stamp
  bool answered_ = false;
  std::vector<uint32_t> received_;
  uint32_t delivered_on_ = 0;
  uint64_t read_bytes_ = 0;
  bool over_ = false;
};

}  // namespace halley::sim
