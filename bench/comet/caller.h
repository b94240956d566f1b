// Caller: gRPC's unary calls as a load. It speaks HTTP/2 through nghttp2 and does no more than that takes,
// so that what is measured is who is called: gRPC's own C++ client costs more than the gateway does.
//
// Source     gRPC over HTTP/2 (grpc/doc/PROTOCOL-HTTP2.md), RFC 9113.
// Threads    One calls Run() and is in it until the end.
// Limits     Answers are read and not looked at: only their grpc-status counts.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace halley::comet {

struct CallerSetup {
  std::string address;  // IPv4:port
  std::string path;     // "/package.Service/Method"
  size_t in_flight = 1;
  size_t channels = 1;  // connections, over which the calls are spread evenly
  std::chrono::nanoseconds run_for{0};
  std::function<void(std::string*)> next;  // replaces the text by the next call's message
};

class Caller {
 public:
  explicit Caller(CallerSetup setup);
  ~Caller();

  // Calls until the time is over and every call was answered; what went wrong first, or empty. Once.
  std::string Run();

  size_t calls() const { return took_us_.size(); }
  double seconds() const { return seconds_; }
  // Of each call that went well, in the order of their ends.
  const std::vector<double>& took_us() const { return took_us_; }

 private:
  class Channel;

  const CallerSetup setup_;
  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<double> took_us_;
  double seconds_ = 0;
};

}  // namespace halley::comet
