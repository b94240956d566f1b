#include "gateway/reloader.h"

#include <spdlog/spdlog.h>

#include <string>

#include "absl/strings/str_join.h"
#include "config/load.h"
#include "gateway/logging.h"

namespace halley::gateway {

void Reloader::OnHangup() {
  // What came of it is in the log.
  Reload("SIGHUP").status().IgnoreError();
}

void Reloader::OnceAsked() {
  const uint64_t number = gateway_->reload_asked();
  if (number != 0) gateway_->AnswerReload(number, Reload("a reload that was asked for"));
}

absl::StatusOr<config::Changes> Reloader::Reload(const char* why) {
  const absl::StatusOr<config::Invocation> read = config::Load(argc_, argv_);
  const absl::StatusOr<config::Changes> changes =
      read.ok() ? gateway_->Reload(read->options) : read.status();
  if (!changes.ok()) {
    spdlog::error("{}: nothing was changed: {}", why, std::string(changes.status().message()));
    return changes;
  }
  SetLogLevel(read->options.gateway.log_level);
  if (!changes->made.empty()) {
    spdlog::info("{}: these options count from now on: {}", why, absl::StrJoin(changes->made, ", "));
  }
  if (!changes->need_restart.empty()) {
    spdlog::warn("{}: these options were changed and wait for a restart: {}", why,
                 absl::StrJoin(changes->need_restart, ", "));
  }
  if (gateway_->speaks_tls()) {
    spdlog::info("{}: new connections get the certificates that were read again", why);
  }
  if (gateway_->verifies_tokens()) {
    spdlog::info("{}: new logins need the token keys that were read again", why);
  }
  if (!read->options.access_log.file.empty()) {
    spdlog::info("{}: the access log was opened again", why);
  }
  if (changes->made.empty() && changes->need_restart.empty()) {
    spdlog::info("{}: no option has changed", why);
  }
  return changes;
}

}  // namespace halley::gateway
