// A server that says what it hears, made of the gateway's own parts: its rings, its TLS, its upgrade, its
// messages. Conformance suites talk to it, for the gateway itself has no echo (tests/README.md).
//
//   echo_server [--io=auto|uring|epoll] [--deflate=off] [--tls=CHAIN.pem,KEY.pem]
//
// Prints its address and its ring, a line each; ends at SIGTERM. Its port, on loopback, is a free one.
#include <signal.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/assert.h"
#include "base/slab.h"
#include "io/listener.h"
#include "io/open_rings.h"
#include "io/secure_ring.h"
#include "session/websocket_reader.h"
#include "tls/server.h"
#include "wire/http_answer.h"
#include "wire/permessage_deflate.h"

namespace halley::conformance {
namespace {

// Suites go up to 16 MiB, and to as many fragments of 64 bytes.
constexpr session::MessageLimits kLimits{.bytes = 16u << 20, .fragments = 1u << 18};
constexpr size_t kReadBytes = 65536;
constexpr uint64_t kWaitNs = 50'000'000;  // until SIGTERM is seen
constexpr uint32_t kHandshakesPerTurn = 16;

volatile sig_atomic_t stopping = 0;

struct Client {
  explicit Client(int descriptor) : fd(descriptor) {}

  enum class Phase {
    kOpening,
    kTalking,
    kLeaving,    // our last words are written; they are sent
    kLingering,  // and our end of the stream; the peer's is awaited
    kOver,       // and what is armed
  };

  const int fd;
  Phase phase = Phase::kOpening;
  bool deflate = false;
  bool readable = false;  // no answer has said yet that nothing is there
  bool blocked = false;   // its socket is full
  session::WebSocketReader reader;
  std::string unread;
  std::string out;
  size_t sent_bytes = 0;  // of `out`
};

class EchoServer {
 public:
  EchoServer(io::Ring* ring, int listener, bool deflate) : ring_(*ring), listener_(listener) {
    upgrade_.deflate = deflate;
  }

  // Until SIGTERM.
  void Run() {
    ring_.Accept({0, 0, io::Op::kAccept}, listener_);
    bool busy = false;
    while (!stopping) {
      ring_.Enter(busy ? 0 : kWaitNs);
      std::array<io::Completion, 64> completions;
      while (const size_t count = ring_.Reap(absl::MakeSpan(completions))) {
        for (size_t i = 0; i < count; ++i) On(completions[i]);
      }
      busy = false;
      clients_.ForEach([&](uint32_t, Client& client) {
        Serve(client);
        busy |= client.readable && !client.blocked && client.phase != Client::Phase::kOver;
      });
      clients_.Recycle();
    }
  }

 private:
  io::Tag TagOf(const Client& client) const {
    return {clients_.IndexOf(client), clients_.GenerationOf(client), io::Op::kWatch};
  }

  void On(const io::Completion& completion) {
    if (completion.tag.op == io::Op::kAccept) {
      OnAccept(completion);
    } else if (Client* const client =
                   clients_.Find(completion.tag.slot, completion.tag.generation)) {
      OnWatch(*client, completion);
    }
  }

  void OnAccept(const io::Completion& completion) {
    HALLEY_ASSERT(completion.outcome == io::Outcome::kOk && "a suite opens few connections");
    Client* const client = clients_.New(static_cast<int>(completion.value));
    ring_.Watch(TagOf(*client), client->fd);
    if (!completion.more) ring_.Accept(completion.tag, listener_);
  }

  void OnWatch(Client& client, const io::Completion& completion) {
    if ((completion.value & io::kWritable) != 0) client.blocked = false;
    if ((completion.value & ~io::kWritable) != 0) client.readable = true;
    if (completion.more) return;
    if (client.phase == Client::Phase::kOver) {
      ring_.Close(client.fd);
      clients_.Free(completion.tag.slot);
    } else {
      ring_.Watch(completion.tag, client.fd);
    }
  }

  // Who does not take what it is said is not listened to.
  void Serve(Client& client) {
    while (client.phase != Client::Phase::kOver && Flush(client) && client.readable) {
      if (!Read(client)) return;
    }
  }

  // True: everything is sent.
  bool Flush(Client& client) {
    if (client.blocked) return false;
    if (client.sent_bytes < client.out.size()) {
      const iovec part{client.out.data() + client.sent_bytes,
                       client.out.size() - client.sent_bytes};
      const io::SendRequest request{client.fd, &part, 1};
      std::vector<base::SendException> exceptions;
      ring_.SendEach({&request, 1}, &exceptions);
      if (!exceptions.empty()) {
        if (exceptions.front().result < 0) {
          End(client);
        } else {
          client.sent_bytes += static_cast<size_t>(exceptions.front().result);
          client.blocked = true;
        }
        return false;
      }
      client.out.clear();
      client.sent_bytes = 0;
    }
    if (client.phase == Client::Phase::kLeaving) {
      client.phase = Client::Phase::kLingering;
      ring_.ShutdownWrite(client.fd);
    }
    return true;
  }

  // False: not again this turn.
  bool Read(Client& client) {
    const size_t kept = client.unread.size();
    client.unread.resize(kept + kReadBytes);
    const io::Received received =
        ring_.Receive(client.fd, client.unread.data() + kept, kReadBytes);
    client.unread.resize(kept + received.bytes);
    switch (received.outcome) {
      case io::Outcome::kOk: Feed(client); return true;
      case io::Outcome::kAgain: client.readable = false; return true;
      case io::Outcome::kExhausted: return false;
      case io::Outcome::kEnd:
      case io::Outcome::kReset:
      case io::Outcome::kNotProxied:
      case io::Outcome::kInsecure:
      case io::Outcome::kFailed: End(client); return false;
    }
    return false;
  }

  void Feed(Client& client) {
    char* const begin = client.unread.data();
    wire::Inbox inbox{begin, begin + client.unread.size()};
    if (client.phase == Client::Phase::kOpening) Open(client, &inbox);
    while (client.phase == Client::Phase::kTalking) {
      const session::WsEvent event =
          client.reader.Next(&inbox, kLimits, client.deflate, &client.out);
      if (event.kind == session::WsEventKind::kNeedMore) break;
      if (event.kind == session::WsEventKind::kMessage) Echo(event, client);
      if (event.kind != session::WsEventKind::kClose) continue;
      const uint16_t code = wire::WebSocketCloseCode(event.reason);
      if (code != 0) wire::AppendWsClose(code, &client.out);
      client.phase = Client::Phase::kLeaving;
    }
    if (client.phase >= Client::Phase::kLeaving) inbox.begin = inbox.end;
    client.unread.erase(0, static_cast<size_t>(inbox.begin - begin));
  }

  void Open(Client& client, wire::Inbox* inbox) {
    wire::UpgradeRequest request;
    wire::UpgradeRefusal refusal = wire::UpgradeRefusal::kNotFound;
    const wire::UpgradeStatus status =
        client.reader.Open(*inbox, upgrade_, &request, &refusal);
    if (status == wire::UpgradeStatus::kMore) return;
    if (status != wire::UpgradeStatus::kDone || request.dialect != wire::Dialect::kGoim) {
      wire::AppendUpgradeRefused(refusal, &client.out);
      client.phase = Client::Phase::kLeaving;
      return;
    }
    wire::AppendUpgradeAccepted(request, &client.out);
    inbox->begin += request.bytes;
    client.deflate = request.deflate.agreed;
    client.phase = Client::Phase::kTalking;
  }

  static void Echo(const session::WsEvent& event, Client& client) {
    const wire::WsOpcode opcode = event.text ? wire::WsOpcode::kText : wire::WsOpcode::kBinary;
    char header[wire::kWsServerHeaderBytesMax];
    if (!client.deflate) {
      client.out.append(header, wire::WriteWsHeader(opcode, event.message.size(), header));
      client.out.append(event.message);
      return;
    }
    std::string deflated;
    wire::DeflateMessage({event.message}, &deflated);
    client.out.append(header, wire::WriteWsDeflatedHeader(opcode, deflated.size(), header));
    client.out.append(deflated);
  }

  void End(Client& client) {
    client.phase = Client::Phase::kOver;
    ring_.Shutdown(client.fd);
    ring_.Cancel(TagOf(client));
  }

  io::Ring& ring_;
  const int listener_;
  wire::UpgradeLimits upgrade_;
  base::Slab<Client> clients_;
};

struct Options {
  io::Engine engine = io::Engine::kAuto;
  bool deflate = true;
  tls::Certificate certificate;
};

bool ReadOption(std::string_view word, Options* options) {
  constexpr std::string_view kTls = "--tls=";
  if (word.starts_with(kTls)) {
    word.remove_prefix(kTls.size());
    const size_t comma = word.find(',');
    if (comma == std::string_view::npos) return false;
    options->certificate = {std::string(word.substr(0, comma)),
                            std::string(word.substr(comma + 1))};
    return true;
  }
  if (word == "--deflate=off") {
    options->deflate = false;
  } else if (word == "--io=uring") {
    options->engine = io::Engine::kUring;
  } else if (word == "--io=epoll") {
    options->engine = io::Engine::kEpoll;
  } else if (word != "--io=auto") {
    return false;
  }
  return true;
}

absl::Status Main(const Options& options) {
  absl::StatusOr<std::vector<io::Listener>> listeners =
      io::OpenListeners("127.0.0.1:0", 1, io::SocketOptions{});
  if (!listeners.ok()) return listeners.status();
  const int listener = listeners->front().fds.front();
  absl::StatusOr<io::OpenedRings> rings = io::OpenRings(options.engine, 1);
  if (!rings.ok()) return rings.status();

  // What its streams need outlives the ring.
  std::unique_ptr<tls::Server> server;
  io::SecureTransit transit(1);
  std::unique_ptr<io::Ring> ring = std::move(rings->by_shard.front());
  if (!options.certificate.chain_file.empty()) {
    tls::ServerOptions serving;
    serving.certificates = {options.certificate};
    auto made = tls::Server::Create(serving);
    if (!made.ok()) return made.status();
    server = *std::move(made);
    ring = std::make_unique<io::SecureRing>(
        std::move(ring), 0, &transit, std::vector<io::SecureListener>{{listener, server.get()}},
        kHandshakesPerTurn);
  }
  if (absl::Status started = ring->Start(); !started.ok()) return started;
  std::printf("%s\n%s\n", listeners->front().address.c_str(), ring->Describe().c_str());
  std::fflush(stdout);
  EchoServer(ring.get(), listener, options.deflate).Run();
  return absl::OkStatus();
}

}  // namespace
}  // namespace halley::conformance

int main(int count, char** words) {
  halley::conformance::Options options;
  for (int i = 1; i < count; ++i) {
    if (!halley::conformance::ReadOption(words[i], &options)) {
      std::fprintf(stderr, "echo_server: %s is no option of it\n", words[i]);
      return 2;
    }
  }
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTERM, [](int) { halley::conformance::stopping = 1; });
  const absl::Status status = halley::conformance::Main(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "echo_server: %s\n", std::string(status.message()).c_str());
  return 1;
}
