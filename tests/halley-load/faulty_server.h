// FaultyServer: a goim TCP server with halley-limit's control port that does one thing wrong, to
// prove that halley-load notices.
//
// Threads    Runs on one of its own from construction to destruction.
#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "wire/goim_frame.h"

namespace halley::load {

enum class Fault : uint8_t {
  kNone,
  kDrop,           // the message is not sent to the victim
  kDropLast,       // nor is anything after it
  kDuplicate,
  kDelay,          // it is sent after the next one
  kForeign,        // a message that nobody pushed
  kWrongTarget,    // a message of the same run for another target
  kCorrupt,        // its last byte is another
  kBreakFraming,   // bytes that are no frame
  kDisconnect,
  kOverstate,      // the answer says that one client more has taken it
  kIgnoreLogins,
  kRefuseLogins,
  kIgnoreRoomChange,  // one is not answered
};

class FaultyServer {
 public:
  // The fault happens to the `victim`th client to log in, with the `push`th push (from 1).
  explicit FaultyServer(Fault fault, uint32_t victim = 2, uint32_t push = 5);
  ~FaultyServer();
  FaultyServer(const FaultyServer&) = delete;
  FaultyServer& operator=(const FaultyServer&) = delete;

  const std::string& clients_address() const { return clients_address_; }
  const std::string& control_address() const { return control_address_; }

 private:
  struct Peer {
    int fd;
    bool control;
    std::string unread = {};
    uint32_t member = 0;  // its number by order of login, from 1; 0: not logged in
    std::string held = {};  // kDelay: to be sent after the next message
  };

  void Serve();
  void Accept(int listener, bool control);
  bool Read(Peer* peer);
  void OnClientBytes(Peer* peer);
  void OnControlBytes(Peer* peer);
  uint32_t Push(const std::string& body);
  void SendFaulty(Peer* peer, const std::string& body);

  const Fault fault_;
  const uint32_t victim_;
  const uint32_t at_push_;
  std::string clients_address_;
  std::string control_address_;
  int listeners_[2];
  int stop_[2];  // a pipe: closing the writing end stops
  std::vector<Peer> peers_;
  uint32_t logins_ = 0;
  uint32_t pushes_ = 0;
  uint32_t room_changes_ = 0;
  std::thread thread_;
};

}  // namespace halley::load
