// Gateway: options, certificates and keys that are read again while it runs.
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "config/check.h"
#include "config/node_list.h"
#include "gateway/gateway.h"
#include "gateway/machine_memory.h"

namespace halley::gateway {
namespace {

// Many of their ticks; one that does not come to it takes them later.
constexpr auto kShardsTakeOptions = std::chrono::milliseconds(2000);

}  // namespace

// What may not change stays, so the mixture is checked as a whole, too: a secret does not go while the
// addresses that need one are still listened on.
absl::StatusOr<Gateway::Fresh> Gateway::TryReload(const config::Options& running) const {
  if (absl::Status together = config::CheckTogether(running, {}); !together.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("with what waits for a restart, ", together.message()));
  }
  if (absl::Status tls = TlsServers::Load(options_).status(); !tls.ok()) return tls;
  Fresh fresh;
  absl::StatusOr<admin::HttpsFiles> https = admin::ReadHttps(options_.admin);
  if (!https.ok()) return https.status();
  fresh.https = *std::move(https);
  absl::StatusOr<comet::PemTexts> texts = comet::ReadPemTexts(options_.comet_grpc);
  if (!texts.ok()) return texts.status();
  fresh.comet = *std::move(texts);
  if (absl::Status remote = Backends::CheckRemote(running); !remote.ok()) return remote;
  if (!running.access_log.file.empty()) {
    if (absl::Status good = journal::LineFile::Check(running.access_log.file); !good.ok()) return good;
  }
  if (!backends_->verifies_tokens()) return fresh;
  if (absl::Status keys = backend::KeySet::Load(options_.jwt).status(); !keys.ok()) return keys;
  return fresh;
}

// Fails when files have changed since they were tried, or memory is short.
absl::Status Gateway::TakeFiles(const Fresh& fresh, const config::Options& running) {
  absl::Status taken = tls_.Reload();
  taken.Update(backends_->ReloadTokenKeys());
  taken.Update(journal_->Open(running.access_log.file));
  if (comet_ != nullptr) taken.Update(comet_->SetCertificate(fresh.comet));
  if (taken.ok() && admin_ != nullptr) admin_->SetCertificate(fresh.https);
  return taken;
}

absl::StatusOr<config::Changes> Gateway::Reload(const config::Options& read_again) {
  config::Options wanted = read_again;
  passed_.NameLists(&wanted);
  config::Options running = current_;
  absl::StatusOr<config::Changes> changes = config::TakeOver(wanted, loaded_, &running);
  if (!changes.ok()) return changes.status();
  if (running.gateway.memory_mib == 0) running.gateway.memory_mib = OwnMemoryMib();
  const absl::StatusOr<Fresh> fresh = TryReload(running);
  if (!fresh.ok()) return fresh.status();
  if (absl::Status taken = TakeFiles(*fresh, running); !taken.ok()) return taken;
  backends_->ReloadRemote(running);
  if (list_ != nullptr) list_->Set(config::ParseNodeList(running.discovery.static_addresses).value());
  current_ = std::move(running);
  loaded_ = std::move(wanted);
  fabric_->GiveOptions(current_);
  gate_->SetLimits(current_.limits);
  if (admin_ != nullptr) admin_->SetToken(current_.admin.token);
  AwaitShards();
  return changes;
}

// Whoever hears that a secret counts uses it at once, on whichever shard takes the connection.
void Gateway::AwaitShards() const {
  constexpr auto kPause = std::chrono::milliseconds(1);
  for (auto left = kShardsTakeOptions; left.count() > 0 && !Finished() && !fabric_->EveryShardTookOptions();
       left -= kPause) {
    std::this_thread::sleep_for(kPause);
  }
}

uint64_t Gateway::reload_asked() const {
  const uint64_t asked = fabric_->reload_asked();
  return fabric_->ReloadFinished(asked) ? 0 : asked;
}

void Gateway::AnswerReload(uint64_t number, const absl::StatusOr<config::Changes>& outcome) {
  shard::Reloaded reloaded;
  if (outcome.ok()) {
    reloaded.changed = outcome->made;
    reloaded.need_restart = outcome->need_restart;
  } else {
    reloaded.error = std::string(outcome.status().message());
  }
  fabric_->FinishReload(number, std::move(reloaded));
}

}  // namespace halley::gateway
