#include "backend/jwks_fetcher.h"

#include <curl/curl.h>
#include <pthread.h>

#include <chrono>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "backend/fetch_schedule.h"
#include "base/assert.h"

namespace halley::backend {
namespace {

// How soon a token's unknown key is noticed.
constexpr std::chrono::milliseconds kLookEvery(250);

uint64_t NowMs() {
  using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::steady_clock;
  return static_cast<uint64_t>(
      duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

struct CurlDeleter {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

absl::Status Failed(absl::string_view why) {
  return absl::UnavailableError(absl::StrCat("jwt.jwks_url: ", why));
}

std::string PartOf(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

bool IsThisHost(const std::string& host) {
  if (host == "localhost" || host == "[::1]") return true;
  // 127.0.0.0/8, as numbers: a name may begin so, too.
  return absl::StartsWith(host, "127.") &&
         host.find_first_not_of("0123456789.") == std::string::npos;
}

struct Body {
  std::string text;
  bool too_big = false;
};

size_t TakeBody(char* bytes, size_t size, size_t count, void* to) {
  Body& body = *static_cast<Body*>(to);
  body.too_big = body.text.size() + size * count > JwksFetcher::kBodyBytesMax;
  if (body.too_big) return 0;
  body.text.append(bytes, size * count);
  return size * count;
}

// Other than 0 ends the transfer.
int WhileItLasts(void* stopping, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(stopping)->load(std::memory_order_relaxed) ? 1 : 0;
}

template <typename Value>
void Set(CURL* curl, CURLoption option, Value value) {
  // A libcurl without one of them is too old for us, or was built without TLS.
  HALLEY_ASSERT(curl_easy_setopt(curl, option, value) == CURLE_OK);
}

}  // namespace

absl::Status JwksFetcher::Check(const config::JwtOptions& options) {
  const std::unique_ptr<CURLU, CurlDeleter> url(curl_url());
  HALLEY_ASSERT(url != nullptr);
  if (curl_url_set(url.get(), CURLUPART_URL, options.jwks_url.c_str(), 0) != CURLUE_OK) {
    return absl::InvalidArgumentError(
        "jwt.jwks_url is no URL: write it as https://example.com/keys.json");
  }
  if (!PartOf(url.get(), CURLUPART_USER).empty() || !PartOf(url.get(), CURLUPART_PASSWORD).empty()) {
    return absl::InvalidArgumentError(
        "jwt.jwks_url names a user or a password: key sets are public, name one without");
  }
  const std::string scheme = PartOf(url.get(), CURLUPART_SCHEME);
  if (scheme == "https") return absl::OkStatus();
  if (scheme == "http" && IsThisHost(PartOf(url.get(), CURLUPART_HOST))) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "jwt.jwks_url is neither https:// nor http:// on this host, so that others on the way could "
      "put in keys of their own: use https://");
}

absl::StatusOr<std::unique_ptr<JwksFetcher>> JwksFetcher::Create(
    const config::JwtOptions& options, KeyStore* store) {
  if (absl::Status checked = Check(options); !checked.ok()) return checked;
  // Before there are threads; never undone.
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  HALLEY_ASSERT(ready == CURLE_OK);
  std::unique_ptr<JwksFetcher> fetcher(new JwksFetcher(options, store));
  fetcher->first_ = fetcher->FetchInto();
  if (!fetcher->first_.ok() && store->keys()->size() == 0) return fetcher->first_;
  return fetcher;
}

JwksFetcher::~JwksFetcher() {
  RequestStop();
  if (thread_.joinable()) thread_.join();
}

void JwksFetcher::Start(std::function<void(const absl::Status&)> tell) {
  tell_ = std::move(tell);
  thread_ = std::thread([this] { Run(); });
}

void JwksFetcher::AskSoon() {
  const std::lock_guard lock(mutex_);
  asked_ = true;
  changed_.notify_one();
}

void JwksFetcher::RequestStop() {
  const std::lock_guard lock(mutex_);
  stopping_.store(true, std::memory_order_relaxed);
  changed_.notify_one();
}

absl::Status JwksFetcher::FetchInto() {
  absl::StatusOr<std::string> text = Fetch();
  absl::Status status = text.status();
  if (text.ok()) {
    const absl::Status taken = store_.TakeJwks(*text);
    if (!taken.ok()) status = Failed(taken.message());
  }
  if (!status.ok()) store_.CountFailedFetch();
  return status;
}

// A handle of its own each time, so that nothing is open between two fetches.
absl::StatusOr<std::string> JwksFetcher::Fetch() const {
  const std::unique_ptr<CURL, CurlDeleter> handle(curl_easy_init());
  CURL* const curl = handle.get();
  HALLEY_ASSERT(curl != nullptr);
  Body body;
  char error[CURL_ERROR_SIZE] = "";
  const bool plain = absl::StartsWithIgnoreCase(options_.jwks_url, "http:");
  Set(curl, CURLOPT_URL, options_.jwks_url.c_str());
  Set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  // What is plain stays on this host.
  if (plain) Set(curl, CURLOPT_PROXY, "");
  Set(curl, CURLOPT_FOLLOWLOCATION, 0L);
  Set(curl, CURLOPT_NOSIGNAL, 1L);
  Set(curl, CURLOPT_TIMEOUT_MS, kDeadlineMs);
  Set(curl, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(kBodyBytesMax));
  Set(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  Set(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options_.jwks_ca.empty()) Set(curl, CURLOPT_CAINFO, options_.jwks_ca.c_str());
  Set(curl, CURLOPT_USERAGENT, "halley");
  Set(curl, CURLOPT_ERRORBUFFER, error);
  Set(curl, CURLOPT_WRITEFUNCTION, &TakeBody);
  Set(curl, CURLOPT_WRITEDATA, static_cast<void*>(&body));
  Set(curl, CURLOPT_NOPROGRESS, 0L);
  Set(curl, CURLOPT_XFERINFOFUNCTION, &WhileItLasts);
  Set(curl, CURLOPT_XFERINFODATA, const_cast<void*>(static_cast<const void*>(&stopping_)));
  const CURLcode code = curl_easy_perform(curl);
  if (body.too_big || code == CURLE_FILESIZE_EXCEEDED) {
    return Failed(absl::StrCat("the set has more than ", kBodyBytesMax, " bytes: name a smaller one"));
  }
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return Failed(absl::StrCat("no answer within ", kDeadlineMs / 1000,
                               " s: see to the server, or name another"));
  }
  if (code != CURLE_OK) {
    const std::string why = error[0] != '\0' ? error : curl_easy_strerror(code);
    return Failed(absl::StrCat("cannot fetch: ", why, ", see that the server can be reached"));
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) {
    return Failed(absl::StrCat("the answer is HTTP status ", status,
                               " and not 200: name where the set itself is"));
  }
  return std::move(body.text);
}

void JwksFetcher::Run() {
  pthread_setname_np(pthread_self(), "jwks");
  std::minstd_rand random(std::random_device{}());
  FetchSchedule schedule(uint64_t{options_.jwks_refresh_s} * 1000, [&] { return random() % 1000; });
  TellOf(first_, /*asked=*/false);
  schedule.Fetched(NowMs(), first_.ok());
  std::unique_lock lock(mutex_);
  while (!stopping_.load(std::memory_order_relaxed)) {
    changed_.wait_for(lock, kLookEvery);
    const bool asked = std::exchange(asked_, false);
    if (asked) schedule.Ask();
    if (store_.TakeMissedKey()) schedule.MissKey();
    if (stopping_.load(std::memory_order_relaxed) || !schedule.Due(NowMs())) continue;
    lock.unlock();
    const absl::Status status = FetchInto();
    if (!stopping_.load(std::memory_order_relaxed)) TellOf(status, asked);
    schedule.Fetched(NowMs(), status.ok());
    lock.lock();
  }
}

void JwksFetcher::TellOf(const absl::Status& status, bool asked) {
  const uint64_t now_ms = NowMs();
  const bool news = status.ok() ? failing_ : !failing_ || now_ms - told_ms_ >= kTellApartMs;
  failing_ = !status.ok();
  if (!news && !asked) return;
  told_ms_ = now_ms;
  tell_(status);
}

}  // namespace halley::backend
