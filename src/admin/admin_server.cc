#include "admin/admin_server.h"

#include <httplib.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "admin/answer.h"
#include "admin/embedded.h"
#include "admin/guard.h"
#include "admin/https.h"
#include "admin/metrics.h"
#include "admin/node_api.h"
#include "admin/page.h"
#include "config/address.h"
#include "wire/query.h"

namespace halley::admin {
namespace {

constexpr size_t kKeepAliveRequests = 1000;
constexpr time_t kKeepAliveS = 1;  // an idle connection holds a thread
// A JSON push has its body in base64 at the worst, and names beside it.
constexpr size_t kJsonFactor = 2;

// httplib mixes what a form's body says with the query; here only the query counts.
std::optional<Parameters> ParseQuery(const std::string& target) {
  Parameters parameters;
  const size_t mark = target.find('?');
  if (mark == std::string::npos) return parameters;
  for (const absl::string_view pair :
       absl::StrSplit(absl::string_view(target).substr(mark + 1), '&', absl::SkipEmpty())) {
    const size_t equals = pair.find('=');
    std::string name;
    std::string value;
    const absl::string_view name_text = pair.substr(0, equals);
    if (!wire::DecodeParameter({name_text.data(), name_text.size()}, &name)) return std::nullopt;
    if (equals != absl::string_view::npos) {
      const absl::string_view text = pair.substr(equals + 1);
      if (!wire::DecodeParameter({text.data(), text.size()}, &value)) return std::nullopt;
    }
    parameters.emplace(std::move(name), std::move(value));
  }
  return parameters;
}

// SO_REUSEADDR alone: with SO_REUSEPORT, which is httplib's own choice, two gateways could listen on
// one port and each get some of the requests.
void SetSocketOptions(socket_t socket) {
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
}

class HttpAdmin final : public AdminServer {
 public:
  HttpAdmin(const config::Options& options, AdminSetup setup)
      : options_(options),
        setup_(std::move(setup)),
        guard_(options.admin.token),
        goim_(setup_.pusher.get(), setup_.observer.get(), setup_.nodes),
        node_(setup_.pusher.get(), setup_.observer.get()) {}

  ~HttpAdmin() override {
    for (const auto& each : listening_) each->server->stop();
    for (const auto& each : listening_) {
      if (each->thread.joinable()) each->thread.join();
    }
  }

  void SetToken(absl::string_view token) override { guard_.SetToken(token); }

  const std::vector<std::string>& addresses() const override { return addresses_; }

  absl::Status Listen() {
    const absl::StatusOr<std::vector<config::Address>> list =
        config::ParseAddresses(options_.listen.admin);
    if (!list.ok()) return list.status();
    for (const config::Address& address : *list) {
      if (absl::Status bound = Bind(address); !bound.ok()) return bound;
    }
    // Only when all could be bound.
    for (const auto& each : listening_) {
      each->thread = std::thread([server = each->server.get()] { server->listen_after_bind(); });
      // stop() before it runs would be in vain.
      while (!each->server->is_running()) std::this_thread::yield();
    }
    return absl::OkStatus();
  }

 private:
  using Handle = std::function<Answer(const httplib::Request& request, const Parameters& query)>;
  using HandleBody = std::function<Answer(const Parameters& query, std::string body)>;
  struct Listening {
    std::unique_ptr<httplib::Server> server;
    std::thread thread;
  };

  bool secure() const { return !setup_.https.certificate.empty(); }

  absl::StatusOr<std::unique_ptr<httplib::Server>> NewServer() const {
    if (!secure()) return std::make_unique<httplib::Server>();
    auto server = std::make_unique<httplib::SSLServer>(
        [this](SSL_CTX& context) { return PrepareHttps(setup_.https, &context); });
    if (!server->is_valid()) return absl::InternalError("OpenSSL has no memory for the admin port");
    return server;
  }

  absl::Status Bind(const config::Address& address) {
    absl::StatusOr<std::unique_ptr<httplib::Server>> server = NewServer();
    if (!server.ok()) return server.status();
    auto listening = std::make_unique<Listening>();
    listening->server = *std::move(server);
    Prepare(listening->server.get());
    int port = address.port;
    if (port == 0) {
      port = listening->server->bind_to_any_port(address.host);
    } else if (!listening->server->bind_to_port(address.host, port)) {
      port = -1;
    }
    if (port <= 0) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", address.ToString(), " for admin requests: is another process "
                       "using it? End that one or choose another port"));
    }
    const bool v6 = address.host.find(':') != std::string::npos;
    addresses_.push_back(v6 ? absl::StrCat("[", address.host, "]:", port)
                            : absl::StrCat(address.host, ":", port));
    listening_.push_back(std::move(listening));
    return absl::OkStatus();
  }

  void Prepare(httplib::Server* server) {
    const auto timeout = std::chrono::milliseconds(options_.admin.timeout_ms);
    const size_t threads = options_.admin.threads;
    server->new_task_queue = [threads] { return new httplib::ThreadPool(threads); };
    server->set_socket_options(SetSocketOptions);
    server->set_tcp_nodelay(true);
    server->set_read_timeout(timeout);
    server->set_write_timeout(timeout);
    server->set_keep_alive_max_count(kKeepAliveRequests);
    server->set_keep_alive_timeout(kKeepAliveS);
    server->set_payload_max_length(options_.push.message_bytes * kJsonFactor);
    server->set_exception_handler([](const auto&, httplib::Response& response, auto) {
      Write(ErrorAnswer(absl::InternalError("the request could not be served")), &response);
    });
    server->set_error_handler([](const auto&, httplib::Response& response) {
      if (!response.body.empty()) return;
      const absl::Status status =
          response.status == 404 ? absl::NotFoundError("there is nothing here: see /v1/openapi.json")
          : response.status == 413
              ? absl::InvalidArgumentError("the body is too long: raise push.message_bytes")
              : absl::InvalidArgumentError("the request cannot be understood");
      const int code = response.status;
      Write(ErrorAnswer(status), &response);
      response.status = code;
    });
    if (options_.admin.page) AddPage(server);
    AddHealth(server);
    AddGoim(server);
    AddNode(server);
  }

  static void Write(const Answer& answer, httplib::Response* response) {
    response->status = answer.status;
    response->set_header("Cache-Control", "no-store");
    response->set_header("X-Content-Type-Options", "nosniff");
    response->set_content(answer.body, answer.type.c_str());
  }

  // Why not, if the request is not to be served.
  std::optional<Answer> Refusal(const httplib::Request& request, bool page = false) const {
    const std::string authorization = request.get_header_value("Authorization");
    const std::string host = request.get_header_value("Host");
    const std::string origin = request.get_header_value("Origin");
    const Credentials shown{authorization, host, origin, secure()};
    switch (page ? guard_.AdmitToPage(shown) : guard_.Admit(shown)) {
      case Admission::kWelcome: return std::nullopt;
      case Admission::kUnauthorized: {
        Answer answer = ErrorAnswer(absl::UnauthenticatedError(
            "the token is wrong or missing: send Authorization: Bearer with admin.token"));
        answer.status = 401;
        return answer;
      }
      case Admission::kForbidden: break;
    }
    Answer answer = ErrorAnswer(absl::PermissionDeniedError(
        "without admin.token only 127.0.0.1, [::1] and localhost may be asked, and by no page of "
        "another host"));
    answer.status = 403;
    return answer;
  }

  void Get(httplib::Server* server, const char* path, Handle handle, bool open = false) {
    server->Get(path, [this, handle = std::move(handle), open](const httplib::Request& request,
                                                               httplib::Response& response) {
      std::optional<Answer> refusal;
      if (!open) refusal = Refusal(request);
      if (refusal.has_value()) return Refuse(*refusal, &response);
      const std::optional<Parameters> query = ParseQuery(request.target);
      Write(query.has_value() ? handle(request, *query) : BadQuery(), &response);
    });
  }

  // What is to go stands in the query, for a body of such a request means nothing (RFC 9110 9.3.5).
  void Delete(httplib::Server* server, const char* path, Handle handle) {
    server->Delete(path, [this, handle = std::move(handle)](const httplib::Request& request,
                                                            httplib::Response& response) {
      if (const auto refusal = Refusal(request)) return Refuse(*refusal, &response);
      const std::optional<Parameters> query = ParseQuery(request.target);
      Write(query.has_value() ? handle(request, *query) : BadQuery(), &response);
    });
  }

  // The body is read by us, since httplib takes that of a form apart, and none above 8 KiB.
  void Post(httplib::Server* server, const char* path, HandleBody handle) {
    server->Post(path, [this, handle = std::move(handle)](const httplib::Request& request,
                                                          httplib::Response& response,
                                                          const httplib::ContentReader& reader) {
      if (const auto refusal = Refusal(request)) return Refuse(*refusal, &response);
      std::string body;
      const bool whole = reader([&body](const char* bytes, size_t size) {
        body.append(bytes, size);
        return true;
      });
      if (!whole) return;  // its status says why
      const std::optional<Parameters> query = ParseQuery(request.target);
      Write(query.has_value() ? handle(*query, std::move(body)) : BadQuery(), &response);
    });
  }

  static void Refuse(const Answer& refusal, httplib::Response* response) {
    if (refusal.status == 401) response->set_header("WWW-Authenticate", "Bearer");
    // What it has sent is not read.
    response->set_header("Connection", "close");
    Write(refusal, response);
  }

  static Answer BadQuery() {
    return ErrorAnswer(absl::InvalidArgumentError(
        "the query has a % without two hexadecimal digits: write it as %25"));
  }

  void AddPage(httplib::Server* server) {
    for (const PageFile& file : PageFiles()) {
      server->Get(file.path, [this, &file](const httplib::Request& request,
                                           httplib::Response& response) {
        if (const auto refusal = Refusal(request, /*page=*/true)) return Refuse(*refusal, &response);
        const std::string host = request.get_header_value("Host");
        response.set_header("Content-Security-Policy",
                            PagePolicy(host, setup_.nodes.ws_port, setup_.nodes.wss_port));
        response.set_header("Referrer-Policy", "no-referrer");
        Write({200, file.type, std::string(file.bytes)}, &response);
      });
    }
  }

  // Without a token, too: who probes has none, and learns nothing but this.
  void AddHealth(httplib::Server* server) {
    const auto alive = [](const auto&, const auto&) { return TextAnswer("ok\n"); };
    const auto ready = [this](const auto&, const auto&) {
      const std::string why = setup_.why_not_ready();
      return why.empty() ? TextAnswer("ok\n") : TextAnswer(absl::StrCat(why, "\n"), 503);
    };
    Get(server, "/health/live", alive, /*open=*/true);
    // It listens once the shards accept.
    Get(server, "/health/startup", alive, /*open=*/true);
    Get(server, "/health/ready", ready, /*open=*/true);
    // goim v1's: whether there is a backend to ask.
    Get(server, "/monitor/ping", [this](const auto&, const auto&) {
      return setup_.backend_usable() ? TextAnswer("ok")
                                     : TextAnswer("no backend can be asked", 500);
    }, /*open=*/true);
    Get(server, "/metrics", [this](const auto&, const auto&) {
      const absl::StatusOr<NodeFigures> node = setup_.observer->Status();
      if (!node.ok()) return ErrorAnswer(node.status());
      return Answer{200, std::string(kMetricsType),
                    RenderMetrics(*node, setup_.version, setup_.why_not_ready().empty(),
                                  setup_.discovery(), setup_.more_metrics())};
    });
  }

  void AddGoim(httplib::Server* server) {
    Post(server, "/goim/push/keys", [this](const Parameters& query, std::string body) {
      return goim_.PushKeys(query, std::move(body));
    });
    Post(server, "/goim/push/mids", [this](const Parameters& query, std::string body) {
      return goim_.PushMids(query, std::move(body));
    });
    Post(server, "/goim/push/room", [this](const Parameters& query, std::string body) {
      return goim_.PushRoom(query, std::move(body));
    });
    Post(server, "/goim/push/all", [this](const Parameters& query, std::string body) {
      return goim_.PushAll(query, std::move(body));
    });
    Get(server, "/goim/online/top",
        [this](const auto&, const Parameters& query) { return goim_.OnlineTop(query); });
    Get(server, "/goim/online/room",
        [this](const auto&, const Parameters& query) { return goim_.OnlineRoom(query); });
    Get(server, "/goim/online/total",
        [this](const auto&, const Parameters&) { return goim_.OnlineTotal(); });
    Get(server, "/goim/nodes/weighted", [this](const httplib::Request& request, const Parameters&) {
      return goim_.NodesWeighted(request.get_header_value("Host"));
    });
    Get(server, "/goim/nodes/instances",
        [this](const auto&, const auto&) { return goim_.NodesInstances(setup_.instances()); });
  }

  void AddNode(httplib::Server* server) {
    Post(server, "/v1/push", [this](const Parameters&, std::string body) { return node_.Push(body); });
    Post(server, "/v1/kick", [this](const Parameters&, std::string body) { return node_.Kick(body); });
    Post(server, "/v1/drain", [this](const Parameters&, std::string body) { return node_.Drain(body); });
    Post(server, "/v1/undrain", [this](const Parameters&, std::string) { return node_.Undrain(); });
    Post(server, "/v1/reload", [this](const Parameters&, std::string) { return node_.Reload(); });
    Post(server, "/v1/trace",
         [this](const Parameters&, std::string body) { return node_.BeginTrace(body); });
    Delete(server, "/v1/trace",
           [this](const auto&, const Parameters& query) { return node_.EndTrace(query); });
    Get(server, "/v1/trace", [this](const auto&, const auto&) { return node_.Traces(); });
    Get(server, "/v1/rooms",
        [this](const auto&, const Parameters& query) { return node_.Rooms(query); });
    Get(server, "/v1/online",
        [this](const auto&, const Parameters& query) { return node_.Online(query); });
    Get(server, "/v1/status", [this](const auto&, const auto&) {
      return node_.Status(setup_.discovery());
    });
    Get(server, "/v1/openapi.json",
        [](const auto&, const auto&) { return Answer{200, "application/json",
                                                     std::string(kOpenApi)}; });
  }

  const config::Options options_;
  const AdminSetup setup_;
  Guard guard_;
  GoimApi goim_;
  NodeApi node_;
  std::vector<std::string> addresses_;
  std::vector<std::unique_ptr<Listening>> listening_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Create(const config::Options& options,
                                                                 AdminSetup setup) {
  auto server = std::make_unique<HttpAdmin>(options, std::move(setup));
  if (absl::Status listening = server->Listen(); !listening.ok()) return listening;
  return std::unique_ptr<AdminServer>(std::move(server));
}

}  // namespace halley::admin
