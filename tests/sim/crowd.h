// Crowd: clients and pushers that do what clients and pushers do, drawn from a seed, and the node's
// options and faults with them.
//
// A run has two halves: while the crowd acts, everything may go wrong; then it calms down, and what
// must hold at rest is checked, with everybody there and with nobody left.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/sim_node.h"

namespace halley::sim {

class Crowd {
 public:
  // What a seed stands for.
  static NodeSetup Draw(uint64_t seed, uint32_t shards);

  Crowd(SimNode* node, uint64_t seed);

  // Acts for a while, calms down and checks.
  void Run();
  // Acts for a while and stops the node in the midst of it.
  void RunAndStop();

 private:
  struct Actor {
    SimClient* client;
    bool forgetful;  // sends no heartbeats
  };

  void Act();
  void ScheduleAct();
  void NewClient();
  void NewVisitor();
  void NewPoller();
  // Perhaps it stalls for a while, perhaps it goes away in one of four ways.
  void Distract(Link* link);
  void BeatFor(size_t actor);
  void ActAsClient(Actor* actor);
  void GoAway(SimClient* client);
  void SayRubbish(SimClient* client);
  void ActAsPusher();
  void PushSomething(SimPusher* pusher);
  void CallSomething(SimPusher* pusher);
  void ReplacePusher();
  void CalmDown();
  void PollersLeave();
  void EverybodyLeaves();
  std::vector<std::string> SomeOf(const std::vector<std::string>& names);
  std::vector<int32_t> SomeOps();
  size_t SomeBytes();

  SimNode& node_;
  SimCore& core_;
  Rng rng_;
  uint64_t until_ns_ = 0;
  bool acting_ = false;
  bool beating_ = false;
  uint64_t pause_ns_;        // between two acts, at most
  uint32_t clients_max_;
  uint32_t stalls_;          // chances in 10'000
  uint32_t pushes_;
  std::vector<std::string> keys_;
  std::vector<std::string> rooms_;
  std::vector<int64_t> mids_;
  std::vector<Actor> actors_;
  std::vector<SimPusher*> pushers_;
};

}  // namespace halley::sim
