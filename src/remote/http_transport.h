// HttpTransport: calls as HTTP requests, with libcurl: HTTP/1.1 kept alive, HTTP/2 where a server of https
// offers it. An address is a URL.
//
// It follows no redirect, asks no proxy, sends no cookie, and believes no certificate that cannot be
// verified.
//
// Threads    The engine's, and any for SetSecret(). libcurl looks up names on threads of its own, which it waits for at the end.
// Ownership  Owns its flavour.
// Limits     HttpBackendOptions::answer_bytes; 16 KiB of an answer's headers, at a time that the engine
//            names. What libcurl repeats by itself, a request on a connection that was kept and turns out
//            to be closed, no backend has answered.
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "config/options.h"
#include "remote/http_flavour.h"
#include "remote/transport.h"

namespace halley::remote {

// The list of http_backend.urls, each of which may be asked.
absl::StatusOr<std::vector<std::string>> ParseHttpUrls(absl::string_view list);

class HttpTransport final : public Transport {
 public:
  // Seconds since 1970.
  using WallClock = std::function<uint64_t()>;
  static uint64_t SystemClock();

  HttpTransport(const config::HttpBackendOptions& options, std::unique_ptr<HttpFlavour> flavour,
                WallClock clock = SystemClock);
  ~HttpTransport() override;

  // What requests are signed with that are made from now on; empty: they are not. Any thread.
  void SetSecret(std::string secret);

  Traits traits() const override { return flavour_->traits(); }
  void Add(AddressId address, std::string_view name) override;
  void Remove(AddressId address) override;
  void Start(ExchangeId exchange, AddressId address, absl::Span<const Call* const> calls,
             uint64_t timeout_ms) override;
  void Cancel(ExchangeId exchange) override;
  void Probe(AddressId address, uint64_t timeout_ms) override;
  void Wait(int wake_fd, uint64_t wait_ms) override;
  void Report(TransportSink* sink) override;

 private:
  struct Request;

  std::unique_ptr<Request> NewRequest(AddressId address, std::string body, uint64_t timeout_ms);
  void SetOptions(Request* request, const std::string& url, uint64_t timeout_ms);
  void SetHeaders(Request* request);
  std::string Secret();
  void End(Request* request, CURLcode code, TransportSink* sink);
  Result ResultOf(const Request& request, CURLcode code);

  const config::HttpBackendOptions options_;
  const std::unique_ptr<HttpFlavour> flavour_;
  const WallClock clock_;
  CURLM* const multi_;
  std::mutex secret_mutex_;
  std::string secret_;  // under secret_mutex_
  absl::flat_hash_map<AddressId, std::string> urls_;
  absl::flat_hash_map<Request*, std::unique_ptr<Request>> requests_;
  absl::flat_hash_map<ExchangeId, Request*> exchanges_;
  std::vector<std::pair<ExchangeId, Result>> answered_;  // without asking anybody
};

}  // namespace halley::remote
