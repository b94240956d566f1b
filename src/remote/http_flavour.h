// HttpFlavour: how calls are written as bodies of HTTP requests, and what the answers mean.
//
// Sans-IO: HttpTransport sends what is written here and gives back what came.
//
// Threads    One.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "config/options.h"
#include "remote/call.h"
#include "remote/transport.h"

namespace halley::remote {

class HttpFlavour {
 public:
  virtual ~HttpFlavour() = default;

  virtual Traits traits() const = 0;
  virtual std::string_view user_agent() const = 0;

  // The body of the request. False: nobody is asked, and `result` is the answer. A connect is shown
  // once to each of its attempts.
  virtual bool Write(absl::Span<const Call* const> calls, std::string* body, Result* result) = 0;
  // An answer to it, whose status is one of 2xx. Fills in the outcome too.
  virtual void Read(const Call& call, std::string_view body, Result* result) = 0;

  // The body of a request that asks whether the backend is there. Empty: a connection that can be
  // opened says enough.
  virtual std::string WriteProbe() = 0;
  // The last of these came to something.
  virtual void OnProbeAnswered() {}
};

// The outcome of a status that is not one of 2xx; `result` is a refusal where a login is told no.
void ReadStatus(CallKind kind, long status, Result* result);

// The documented one (README.md). `node`: what this node calls itself.
std::unique_ptr<HttpFlavour> NewHalleyFlavour(const config::HttpBackendOptions& options,
                                              std::string node);
// Gopusher 0.2's: CheckToken, Online, Offline, JoinCluster.
std::unique_ptr<HttpFlavour> NewGopusherFlavour(std::string node);

}  // namespace halley::remote
