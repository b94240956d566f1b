#include "comet/caller.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "comet/connect.h"

namespace halley::comet {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kReadBytes = 1 << 18;
constexpr int kPatienceMs = 5000;
// Before each message: not compressed, and its length (PROTOCOL-HTTP2.md, Length-Prefixed-Message).
constexpr size_t kPrefixBytes = 5;

nghttp2_nv Field(std::string_view name, std::string_view value) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

}  // namespace

// One connection and its share of the calls.
class Caller::Channel {
 public:
  Channel(const CallerSetup& setup, size_t calls, std::vector<double>* took_us)
      : setup_(setup), calls_(calls), took_us_(*took_us) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() {
    nghttp2_session_del(session_);
    if (fd_ >= 0) close(fd_);
  }

  std::string Open() {
    fd_ = Connect(setup_.address);
    if (fd_ < 0) return absl::StrCat("cannot connect to ", setup_.address);
    const int one = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &Channel::OnHeader);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &Channel::OnClose);
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
    return {};
  }

  void Begin() {
    for (Call& call : calls_) Next(&call);
  }
  bool Busy() const { return open_ > 0 && fault_.empty(); }
  int fd() const { return fd_; }
  const std::string& fault() const { return fault_; }

  // All that is to be said, in one send.
  void Write() {
    const uint8_t* bytes = nullptr;
    for (ssize_t size = 0; (size = nghttp2_session_mem_send(session_, &bytes)) > 0;) {
      out_.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
    }
    if (out_.empty()) return;
    if (send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(out_.size())) {
      Fail("the connection broke while it was written to");
    }
    out_.clear();
  }

  void Read(std::vector<uint8_t>* buffer) {
    const ssize_t size = recv(fd_, buffer->data(), buffer->size(), MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return Fail("the connection was closed");
    if (nghttp2_session_mem_recv(session_, buffer->data(), static_cast<size_t>(size)) < 0) {
      Fail("what came is no HTTP/2");
    }
  }

  void SetEnd(Clock::time_point ends) { ends_ = ends; }
  void Fail(std::string fault) {
    if (fault_.empty()) fault_ = std::move(fault);
  }

 private:
  struct Call {
    std::string text;  // with its prefix
    size_t sent = 0;
    bool well = false;
    std::string message;
    Clock::time_point began;
  };

  void Next(Call* call) {
    call->began = Clock::now();
    if (call->began >= ends_) return;
    std::string message = std::move(call->text);
    setup_.next(&message);
    const uint32_t size = htonl(static_cast<uint32_t>(message.size()));
    call->text.assign(kPrefixBytes, '\0');
    std::memcpy(call->text.data() + 1, &size, sizeof size);
    call->text += message;
    call->sent = 0;
    call->well = false;
    const nghttp2_nv fields[] = {
        Field(":method", "POST"), Field(":scheme", "http"), Field(":path", setup_.path),
        Field(":authority", setup_.address), Field("content-type", "application/grpc"),
        Field("te", "trailers")};
    nghttp2_data_provider body{};
    body.source.ptr = call;
    body.read_callback = &Channel::ReadBody;
    if (nghttp2_submit_request(session_, nullptr, fields, std::size(fields), &body, call) < 0) {
      return Fail("the connection takes no more calls");
    }
    ++open_;
  }

  static ssize_t ReadBody(nghttp2_session*, int32_t, uint8_t* to, size_t room, uint32_t* flags,
                          nghttp2_data_source* source, void*) {
    Call* const call = static_cast<Call*>(source->ptr);
    const size_t size = std::min(room, call->text.size() - call->sent);
    std::memcpy(to, call->text.data() + call->sent, size);
    call->sent += size;
    if (call->sent == call->text.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }

  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t, void*) {
    Call* const call = static_cast<Call*>(
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
    if (call == nullptr) return 0;
    const std::string_view what(reinterpret_cast<const char*>(name), name_size);
    const std::string_view text(reinterpret_cast<const char*>(value), value_size);
    if (what == "grpc-status") call->well = text == "0";
    if (what == "grpc-message") call->message = std::string(text);
    return 0;
  }

  static int OnClose(nghttp2_session* session, int32_t stream, uint32_t error, void* self) {
    Channel* const channel = static_cast<Channel*>(self);
    Call* const call =
        static_cast<Call*>(nghttp2_session_get_stream_user_data(session, stream));
    --channel->open_;
    if (!call->well || error != NGHTTP2_NO_ERROR) {
      channel->Fail(absl::StrCat("a call failed: ", call->message));
      return 0;
    }
    channel->took_us_.push_back(
        std::chrono::duration<double, std::micro>(Clock::now() - call->began).count());
    channel->Next(call);
    return 0;
  }

  const CallerSetup& setup_;
  std::vector<Call> calls_;
  std::vector<double>& took_us_;
  nghttp2_session* session_ = nullptr;
  int fd_ = -1;
  size_t open_ = 0;  // calls under way
  Clock::time_point ends_;
  std::string out_;
  std::string fault_;
};

Caller::Caller(CallerSetup setup) : setup_(std::move(setup)) {}
Caller::~Caller() = default;

std::string Caller::Run() {
  std::vector<pollfd> polls;
  for (size_t i = 0; i < setup_.channels; ++i) {
    const size_t share = (setup_.in_flight + setup_.channels - 1 - i) / setup_.channels;
    channels_.push_back(std::make_unique<Channel>(setup_, share, &took_us_));
    if (std::string fault = channels_.back()->Open(); !fault.empty()) return fault;
    polls.push_back({channels_.back()->fd(), POLLIN, 0});
  }
  const Clock::time_point began = Clock::now();
  for (const auto& channel : channels_) {
    channel->SetEnd(began + std::chrono::duration_cast<Clock::duration>(setup_.run_for));
    channel->Begin();
  }
  std::vector<uint8_t> buffer(kReadBytes);
  const auto busy = [](const std::unique_ptr<Channel>& channel) { return channel->Busy(); };
  while (std::ranges::any_of(channels_, busy)) {
    for (const auto& channel : channels_) channel->Write();
    const bool silent = poll(polls.data(), polls.size(), kPatienceMs) == 0;
    for (size_t i = 0; i < channels_.size(); ++i) {
      if (silent && channels_[i]->Busy()) channels_[i]->Fail("nothing was answered for five seconds");
      if (polls[i].revents != 0) channels_[i]->Read(&buffer);
    }
  }
  seconds_ = std::chrono::duration<double>(Clock::now() - began).count();
  for (const auto& channel : channels_) {
    if (!channel->fault().empty()) return channel->fault();
  }
  return {};
}

}  // namespace halley::comet
