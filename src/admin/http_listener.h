// HttpListener: an address of the admin port: cpp-httplib's server there, and the thread it listens on.
//
// A socket that was passed stays its owner's, too, who goes on listening: it is left, where one of our own
// is shut down.
//
// Threads    One, but for the server's own. Run() returns once Stop() is heard.
// Ownership  Owns its descriptors. What handles requests outlives it.
// Source     cpp-httplib 0.11: the socket that a server accepts from is a protected member.
#pragma once

#include <httplib.h>

#include <memory>
#include <string>
#include <thread>

#include "admin/https.h"

namespace halley::admin {

class HttpListener {
 public:
  // `identity` null: it speaks HTTP. Null when OpenSSL has no memory.
  static std::unique_ptr<HttpListener> New(HttpsIdentity* identity);
  ~HttpListener();

  httplib::Server* server() { return server_.get(); }
  // Listens there; the port, or -1. Port 0 picks a free one.
  int Bind(const std::string& host, int port);
  // Listens on a copy of a socket that listens already. False: there is no descriptor left for it.
  [[nodiscard]] bool Adopt(int fd);
  void Run();
  // Answers what was begun; the destructor waits for it.
  void Stop();

 private:
  struct Passable {
    virtual ~Passable() = default;
    virtual void Take(int fd) = 0;
    // Accepts no more; the descriptor is the caller's, who closes it when the thread has ended.
    virtual int Leave() = 0;
  };
  template <typename Server>
  class PassableServer;

  template <typename Server>
  explicit HttpListener(std::unique_ptr<Server> server) : passable_(server.get()), server_(std::move(server)) {}

  Passable* const passable_;  // the server
  const std::unique_ptr<httplib::Server> server_;
  std::thread thread_;
  bool passed_ = false;
  int left_fd_ = -1;
};

}  // namespace halley::admin
