#include "discovery/transfer.h"

#include <utility>

#include "base/assert.h"
#include "discovery/reply.h"

namespace halley::discovery {
namespace {

template <typename Value>
void Set(CURL* curl, CURLoption option, Value value) {
  // A libcurl without one of them is too old for us.
  HALLEY_ASSERT(curl_easy_setopt(curl, option, value) == CURLE_OK);
}

Failure FailureOf(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return Failure::kTimedOut;
    case CURLE_FILESIZE_EXCEEDED: return Failure::kTooBig;
    // What was answered, and is no HTTP.
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY: return Failure::kBadAnswer;
    default: return Failure::kUnreachable;
  }
}

}  // namespace

Transfer::Transfer(CURLM* multi) : multi_(multi), handle_(curl_easy_init()) {
  HALLEY_ASSERT(handle_ != nullptr);
  Set(handle_, CURLOPT_PROTOCOLS_STR, "http");
  Set(handle_, CURLOPT_HTTP09_ALLOWED, 0L);
  Set(handle_, CURLOPT_PROXY, "");
  Set(handle_, CURLOPT_FOLLOWLOCATION, 0L);
  Set(handle_, CURLOPT_NOSIGNAL, 1L);
  // A look-up of a name that hangs must not hold up the end.
  Set(handle_, CURLOPT_QUICK_EXIT, 1L);
  Set(handle_, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(kReplyBytesMax));
  Set(handle_, CURLOPT_USERAGENT, "halley");
  Set(handle_, CURLOPT_WRITEFUNCTION, &Transfer::Take);
  Set(handle_, CURLOPT_WRITEDATA, static_cast<void*>(this));
}

Transfer::~Transfer() {
  Abandon();
  curl_easy_cleanup(handle_);
}

size_t Transfer::Take(char* bytes, size_t size, size_t count, void* to) {
  Transfer& transfer = *static_cast<Transfer*>(to);
  transfer.too_big_ = transfer.body_.size() + size * count > kReplyBytesMax;
  if (transfer.too_big_) return 0;
  transfer.body_.append(bytes, size * count);
  return size * count;
}

void Transfer::Begin(Call call) {
  HALLEY_ASSERT(!busy_);
  call_ = std::move(call);
  body_.clear();
  too_big_ = false;
  Set(handle_, CURLOPT_URL, call_.url.c_str());
  Set(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(call_.deadline_ms));
  if (call_.form.empty()) {
    Set(handle_, CURLOPT_HTTPGET, 1L);
  } else {
    Set(handle_, CURLOPT_POSTFIELDSIZE, static_cast<long>(call_.form.size()));
    Set(handle_, CURLOPT_POSTFIELDS, call_.form.c_str());
    Set(handle_, CURLOPT_POST, 1L);
  }
  HALLEY_ASSERT(curl_multi_add_handle(multi_, handle_) == CURLM_OK);
  busy_ = true;
}

Outcome Transfer::End(CURLcode code) {
  HALLEY_ASSERT(busy_);
  long status = 0;
  curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
  Abandon();
  if (too_big_) return {Failure::kTooBig, ""};
  if (code != CURLE_OK) return {FailureOf(code), ""};
  if (status != 200) return {Failure::kHttpStatus, ""};
  return {std::nullopt, std::move(body_)};
}

void Transfer::Abandon() {
  if (!busy_) return;
  HALLEY_ASSERT(curl_multi_remove_handle(multi_, handle_) == CURLM_OK);
  busy_ = false;
}

}  // namespace halley::discovery
