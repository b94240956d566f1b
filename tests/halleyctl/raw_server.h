// RawServer: a loopback listener whose one connection a test's script serves byte by byte.
//
// Threads    The script runs on the server's thread; the test waits for it in the destructor.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace halley::ctl::testing {

class RawConnection {
 public:
  explicit RawConnection(int fd) : fd_(fd) {}

  // Reads exactly so many bytes; fewer when the client has closed.
  std::string Read(size_t bytes);
  // Reads up to and with `end`.
  std::string ReadUntil(std::string_view end);
  void Write(std::string_view bytes);

  // A whole goim frame from the client, header and all.
  std::string ReadFrame();
  // The payload of a masked WebSocket frame from the client. `*opcode` gets its opcode.
  std::string ReadWsFrame(int* opcode);
  // Answers the client's upgrade and returns its request.
  std::string Upgrade();

 private:
  const int fd_;
};

class RawServer {
 public:
  // The connection is closed when `script` returns.
  explicit RawServer(std::function<void(RawConnection&)> script);
  ~RawServer();

  const std::string& address() const { return address_; }

 private:
  int listener_ = -1;
  std::string address_;
  std::thread thread_;
};

// A goim frame with ver 1.
std::string GoimFrameOf(int32_t op, int32_t seq, std::string_view body);
// One unmasked WebSocket frame.
std::string WsFrameOf(int opcode, bool fin, std::string_view payload);

}  // namespace halley::ctl::testing
