// Transfer: one call at a time over HTTP, by libcurl, beside others of the same CURLM.
//
// Threads    One.
// Ownership  Borrows the CURLM, which outlives it.
// Limits     Each call has its deadline, and an answer of kReplyBytesMax; no redirects, no proxies, plain
//            HTTP, which is all that the registry speaks.
#pragma once

#include <curl/curl.h>

#include <string>

#include "discovery/call.h"

namespace halley::discovery {

class Transfer {
 public:
  explicit Transfer(CURLM* multi);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void Begin(Call call);
  bool busy() const { return busy_; }
  bool Is(const CURL* handle) const { return handle == handle_; }
  // Once the CURLM has said how it ended.
  Outcome End(CURLcode code);
  void Abandon();

 private:
  static size_t Take(char* bytes, size_t size, size_t count, void* to);

  CURLM* const multi_;
  CURL* const handle_;
  Call call_;
  std::string body_;
  bool too_big_ = false;
  bool busy_ = false;
};

}  // namespace halley::discovery
