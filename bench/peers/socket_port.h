// SocketPort: a push connection to a server that answers each push, in order, on the same socket.
// What is asked and answered is a Dialogue's business.
//
// Threads    As PushPort: one at a time.
// Ownership  Owns the socket and the dialogue.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "halley-load/push_port.h"
#include "wire/goim_frame.h"

namespace halley::peers {

// One channel is all that is measured; subscribers and pushers agree on its name.
inline constexpr char kChannel[] = "fan";

// Debian's abseil has a string_view of its own.
inline absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// What one answer said.
struct Answer {
  enum Kind { kNothing, kPushed, kFailed } kind = kNothing;
  uint64_t taken = 0;  // subscribers, where the server tells
};

class Dialogue {
 public:
  virtual ~Dialogue() = default;
  // What is said once, at first.
  virtual void Greet(std::string*) {}
  virtual void AppendPush(std::string_view body, std::string* out) = 0;
  // Takes one answer from the front of `bytes`, and says to `out` what must be said to it.
  virtual wire::DecodeStatus TakeAnswer(std::string_view bytes, Answer* answer, std::string* out,
                                        size_t* used) = 0;
  virtual bool tells_taken() const { return false; }
};

absl::StatusOr<std::unique_ptr<load::PushPort>> OpenSocketPort(
    const std::string& address, std::unique_ptr<Dialogue> dialogue);

}  // namespace halley::peers
