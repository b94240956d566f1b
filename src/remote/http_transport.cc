#include "remote/http_transport.h"

#include <algorithm>
#include <chrono>
#include <climits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/assert.h"
#include "remote/signature.h"

namespace halley::remote {
namespace {

constexpr size_t kHeaderBytesMax = 16384;

template <typename Value>
void Set(CURL* curl, CURLoption option, Value value) {
  // A libcurl without one of them is too old for us, or was built without TLS.
  HALLEY_ASSERT(curl_easy_setopt(curl, option, value) == CURLE_OK);
}

std::string PartOf(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

absl::Status CheckUrl(const std::string& text) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), curl_url_cleanup);
  HALLEY_ASSERT(url != nullptr);
  const bool reads = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) == CURLUE_OK;
  const std::string scheme = reads ? PartOf(url.get(), CURLUPART_SCHEME) : "";
  if (scheme != "https" && scheme != "http") {
    return absl::InvalidArgumentError(
        "http_backend.urls names something that is no URL: write each as https://example.com/halley");
  }
  if (!PartOf(url.get(), CURLUPART_USER).empty() || !PartOf(url.get(), CURLUPART_PASSWORD).empty()) {
    return absl::InvalidArgumentError(
        "http_backend.urls names a user or a password: set http_backend.secret_file, which requests "
        "are signed with");
  }
  return absl::OkStatus();
}

// Of libcurl's failures, those before a request was sent.
bool IsBeforeSending(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION: return true;
    default: return false;
  }
}

}  // namespace

struct HttpTransport::Request {
  CURL* curl = nullptr;
  curl_slist* headers = nullptr;
  AddressId address = 0;
  ExchangeId exchange = 0;  // 0: a probe
  Call call;                // what it is about, of a probe nothing
  std::string body;
  std::string answer;
  size_t answer_bytes_max = 0;
  size_t header_bytes = 0;
  bool too_big = false;
  bool added = false;
  CURLM* multi = nullptr;
  char error[CURL_ERROR_SIZE] = "";

  ~Request() {
    if (added) curl_multi_remove_handle(multi, curl);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
  }

  static size_t TakeHeader(char*, size_t size, size_t count, void* to) {
    Request& request = *static_cast<Request*>(to);
    request.header_bytes += size * count;
    request.too_big = request.header_bytes > kHeaderBytesMax;
    return request.too_big ? 0 : size * count;
  }

  static size_t Take(char* bytes, size_t size, size_t count, void* to) {
    Request& request = *static_cast<Request*>(to);
    request.too_big = request.answer.size() + size * count > request.answer_bytes_max;
    if (request.too_big) return 0;
    request.answer.append(bytes, size * count);
    return size * count;
  }
};

absl::StatusOr<std::vector<std::string>> ParseHttpUrls(absl::string_view list) {
  std::vector<std::string> urls;
  for (const absl::string_view piece : absl::StrSplit(list, absl::ByAnyChar(", "), absl::SkipEmpty())) {
    std::string url(piece);
    if (absl::Status checked = CheckUrl(url); !checked.ok()) return checked;
    if (std::find(urls.begin(), urls.end(), url) == urls.end()) urls.push_back(std::move(url));
  }
  return urls;
}

uint64_t HttpTransport::SystemClock() {
  using std::chrono::duration_cast, std::chrono::seconds, std::chrono::system_clock;
  return static_cast<uint64_t>(
      duration_cast<seconds>(system_clock::now().time_since_epoch()).count());
}

HttpTransport::HttpTransport(const config::HttpBackendOptions& options,
                             std::unique_ptr<HttpFlavour> flavour, WallClock clock)
    : options_(options), flavour_(std::move(flavour)), clock_(std::move(clock)), multi_([] {
        // Before there are threads; never undone.
        static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
        HALLEY_ASSERT(ready == CURLE_OK);
        return curl_multi_init();
      }()), secret_(options.secret) {
  HALLEY_ASSERT(multi_ != nullptr);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(options.concurrency));
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
}

HttpTransport::~HttpTransport() {
  requests_.clear();
  curl_multi_cleanup(multi_);
}

void HttpTransport::SetSecret(std::string secret) {
  const std::lock_guard lock(secret_mutex_);
  secret_.swap(secret);
}

std::string HttpTransport::Secret() {
  const std::lock_guard lock(secret_mutex_);
  return secret_;
}

void HttpTransport::Add(AddressId address, std::string_view name) {
  urls_[address] = std::string(name);
}

void HttpTransport::Remove(AddressId address) { urls_.erase(address); }

std::unique_ptr<HttpTransport::Request> HttpTransport::NewRequest(AddressId address,
                                                                  std::string body,
                                                                  uint64_t timeout_ms) {
  auto request = std::make_unique<Request>();
  request->curl = curl_easy_init();
  HALLEY_ASSERT(request->curl != nullptr);
  request->multi = multi_;
  request->address = address;
  request->body = std::move(body);
  request->answer_bytes_max = options_.answer_bytes;
  SetOptions(request.get(), urls_.at(address), timeout_ms);
  return request;
}

void HttpTransport::SetOptions(Request* request, const std::string& url, uint64_t timeout_ms) {
  CURL* const curl = request->curl;
  Set(curl, CURLOPT_URL, url.c_str());
  Set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  Set(curl, CURLOPT_PROXY, "");
  Set(curl, CURLOPT_NOPROXY, "*");
  Set(curl, CURLOPT_FOLLOWLOCATION, 0L);
  Set(curl, CURLOPT_NOSIGNAL, 1L);
  Set(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  Set(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(std::min<uint64_t>(timeout_ms, INT_MAX)));
  Set(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  Set(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options_.ca.empty()) Set(curl, CURLOPT_CAINFO, options_.ca.c_str());
  Set(curl, CURLOPT_USERAGENT, std::string(flavour_->user_agent()).c_str());
  Set(curl, CURLOPT_ERRORBUFFER, request->error);
  Set(curl, CURLOPT_PRIVATE, static_cast<void*>(request));
  Set(curl, CURLOPT_HEADERFUNCTION, &Request::TakeHeader);
  Set(curl, CURLOPT_HEADERDATA, static_cast<void*>(request));
  Set(curl, CURLOPT_WRITEFUNCTION, &Request::Take);
  Set(curl, CURLOPT_WRITEDATA, static_cast<void*>(request));
  if (request->body.empty()) {
    Set(curl, CURLOPT_CONNECT_ONLY, 1L);
    return;
  }
  Set(curl, CURLOPT_POST, 1L);
  Set(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request->body.size()));
  Set(curl, CURLOPT_POSTFIELDS, request->body.c_str());
  SetHeaders(request);
}

void HttpTransport::SetHeaders(Request* request) {
  std::vector<std::string> lines = {"Content-Type: application/json", "Accept: application/json",
                                    "Expect:"};
  if (const std::string secret = Secret(); !secret.empty()) {
    lines.push_back(absl::StrCat(std::string(kSignatureHeader), ": ",
                                 Sign(secret, clock_(), request->body)));
  }
  for (const std::string& line : lines) {
    curl_slist* const longer = curl_slist_append(request->headers, line.c_str());
    HALLEY_ASSERT(longer != nullptr);
    request->headers = longer;
  }
  Set(request->curl, CURLOPT_HTTPHEADER, request->headers);
}

void HttpTransport::Start(ExchangeId exchange, AddressId address,
                          absl::Span<const Call* const> calls, uint64_t timeout_ms) {
  std::string body;
  Result result;
  if (!flavour_->Write(calls, &body, &result)) {
    answered_.emplace_back(exchange, std::move(result));
    return;
  }
  std::unique_ptr<Request> request = NewRequest(address, std::move(body), timeout_ms);
  request->exchange = exchange;
  request->call = *calls.front();
  HALLEY_ASSERT(curl_multi_add_handle(multi_, request->curl) == CURLM_OK);
  request->added = true;
  Request* const name = request.get();
  exchanges_[exchange] = name;
  requests_[name] = std::move(request);
}

void HttpTransport::Cancel(ExchangeId exchange) {
  const auto found = exchanges_.find(exchange);
  if (found == exchanges_.end()) return;
  requests_.erase(found->second);
  exchanges_.erase(found);
}

void HttpTransport::Probe(AddressId address, uint64_t timeout_ms) {
  std::unique_ptr<Request> request = NewRequest(address, flavour_->WriteProbe(), timeout_ms);
  HALLEY_ASSERT(curl_multi_add_handle(multi_, request->curl) == CURLM_OK);
  request->added = true;
  requests_[request.get()] = std::move(request);
}

void HttpTransport::Wait(int wake_fd, uint64_t wait_ms) {
  if (!answered_.empty()) wait_ms = 0;
  curl_waitfd wake{.fd = wake_fd, .events = CURL_WAIT_POLLIN, .revents = 0};
  int running = 0;
  curl_multi_perform(multi_, &running);
  // What ended in the call above is not waited for.
  int left = 0;
  if (running < static_cast<int>(requests_.size())) wait_ms = 0;
  curl_multi_poll(multi_, &wake, 1, static_cast<int>(std::min<uint64_t>(wait_ms, INT_MAX)), &left);
}

void HttpTransport::Report(TransportSink* sink) {
  std::vector<std::pair<ExchangeId, Result>> answered;
  answered.swap(answered_);
  for (auto& [exchange, result] : answered) sink->OnDone(exchange, std::move(result));
  int running = 0;
  curl_multi_perform(multi_, &running);
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    void* request = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
    End(static_cast<Request*>(request), message->data.result, sink);
  }
}

void HttpTransport::End(Request* request, CURLcode code, TransportSink* sink) {
  auto node = requests_.extract(request);
  HALLEY_ASSERT(!node.empty());
  const std::unique_ptr<Request> owned = std::move(node.mapped());
  Result result = ResultOf(*request, code);
  if (request->exchange != 0) {
    exchanges_.erase(request->exchange);
    sink->OnDone(request->exchange, std::move(result));
    return;
  }
  const bool good = result.outcome == Outcome::kAnswered;
  if (good && !request->body.empty()) flavour_->OnProbeAnswered();
  sink->OnProbed(request->address, good, result.why);
}

Result HttpTransport::ResultOf(const Request& request, CURLcode code) {
  Result result;
  if (request.too_big) {
    result.outcome = Outcome::kBadAnswer;
    result.why = absl::StrCat("the answer has more than ", options_.answer_bytes,
                              " bytes, or more than ", kHeaderBytesMax, " of headers");
    return result;
  }
  if (code != CURLE_OK) {
    result.outcome = IsBeforeSending(code)                ? Outcome::kNotSent
                     : code == CURLE_OPERATION_TIMEDOUT   ? Outcome::kTimedOut
                     : code == CURLE_WEIRD_SERVER_REPLY   ? Outcome::kBadAnswer
                     : code == CURLE_UNSUPPORTED_PROTOCOL ? Outcome::kBadAnswer
                                                          : Outcome::kFailed;
    result.why = request.error[0] != '\0' ? request.error : curl_easy_strerror(code);
    return result;
  }
  long status = 0;
  curl_easy_getinfo(request.curl, CURLINFO_RESPONSE_CODE, &status);
  const bool connect_only = request.body.empty();
  if (connect_only || (status >= 200 && status <= 299 && request.exchange == 0)) {
    result.outcome = Outcome::kAnswered;
  } else if (status >= 200 && status <= 299) {
    flavour_->Read(request.call, request.answer, &result);
  } else {
    ReadStatus(request.exchange == 0 ? CallKind::kHeartbeat : request.call.kind, status, &result);
  }
  return result;
}

}  // namespace halley::remote
