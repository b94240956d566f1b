// Receivers: clients that log in with keys of their own and count what they are pushed.
//
// Threads    One of its own reads; the others' calls wait for it.
// Limits     It counts bytes, and takes them for the message that it was told of.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

namespace halley::comet {

class Receivers {
 public:
  // `message`: as each client is to get it.
  explicit Receivers(std::string message);
  ~Receivers();

  // Clients key-0, key-1 ...; what went wrong, or empty. Once.
  std::string LogIn(const std::string& address, size_t clients);
  // Until so many have arrived, or for five seconds more; how many there are.
  size_t WaitFor(size_t messages) const;

 private:
  void Read();

  const std::string message_;
  std::vector<int> sockets_;
  int epoll_ = -1;
  std::atomic<bool> stop_{false};
  std::atomic<size_t> received_bytes_{0};
  std::thread reader_;
};

}  // namespace halley::comet
