// SimVisitor: who asks the WebSocket port for a file, and the judge of what it is sent: the file's
// response, or a refusal, and of either only the beginning where the connection ends early.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/peer.h"
#include "sim/sim_core.h"
#include "sim/sim_net.h"

namespace halley::sim {

class SimVisitor final : public Peer {
 public:
  SimVisitor(SimCore* core, SimNet* net, uint32_t number)
      : core_(*core), net_(*net), number_(number) {}

  // Sends the request, and perhaps something behind it, which nobody reads.
  void Ask(uint32_t shard, std::string_view path, bool head, std::string_view behind);

  Link* link() const { return link_; }
  bool over() const { return over_; }
  // The server's socket has taken the whole response.
  bool served() const { return taken_bytes_ == wanted_.size(); }

  // --- Peer
  void OnTaken(std::string_view bytes) override;
  void OnBytes(std::string_view bytes) override;
  void OnEnd(bool reset) override;

 private:
  void Wrong(const std::string& what);

  SimCore& core_;
  SimNet& net_;
  const uint32_t number_;
  Link* link_ = nullptr;
  std::string_view wanted_;
  std::string_view refusal_ = "HTTP/1.1 503 ";
  size_t taken_bytes_ = 0;
  bool refused_ = false;
  uint64_t read_bytes_ = 0;
  bool over_ = false;
};

}  // namespace halley::sim
