#include "backend/key_set.h"

#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "backend/jwks.h"
#include "config/file_list.h"
#include "config/small_file.h"

namespace halley::backend {
namespace {

absl::Status In(const char* option, const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(option, ": '", path, "': ", status.message()));
}

absl::StatusOr<std::string> Read(const char* option, const std::string& path) {
  absl::StatusOr<std::string> text = config::ReadSmallFile(path, KeySet::kKeyFileBytesMax);
  if (text.ok()) return text;
  return absl::Status(text.status().code(),
                      absl::StrCat(option, ": ", text.status().message(), ", name a readable file"));
}

absl::Status AddSecret(const config::JwtOptions& options, std::vector<VerificationKey>* keys) {
  std::string secret = options.secret;
  if (!options.secret_file.empty()) {
    absl::StatusOr<std::string> text = Read("jwt.secret_file", options.secret_file);
    if (!text.ok()) return text.status();
    // The newline that an editor adds is no part of it.
    secret = std::string(absl::StripSuffix(*text, "\n"));
  } else if (secret.empty()) {
    return absl::OkStatus();
  }
  absl::StatusOr<VerificationKey> key = VerificationKey::OfSecret(secret, {});
  if (!key.ok()) {
    return options.secret_file.empty()
               ? absl::Status(key.status().code(),
                              absl::StrCat("jwt.secret: ", key.status().message()))
               : In("jwt.secret_file", options.secret_file, key.status());
  }
  keys->push_back(*std::move(key));
  return absl::OkStatus();
}

absl::Status AddPems(const config::JwtOptions& options, std::vector<VerificationKey>* keys) {
  const absl::StatusOr<std::vector<std::string>> paths = config::ParseFileList(options.keys);
  if (!paths.ok()) return paths.status();
  for (const std::string& path : *paths) {
    const absl::StatusOr<std::string> text = Read("jwt.keys", path);
    if (!text.ok()) return text.status();
    absl::StatusOr<VerificationKey> key = VerificationKey::OfPem(*text);
    if (!key.ok()) return In("jwt.keys", path, key.status());
    keys->push_back(*std::move(key));
  }
  return absl::OkStatus();
}

absl::Status AddJwks(const config::JwtOptions& options, std::vector<VerificationKey>* keys) {
  if (options.jwks_file.empty()) return absl::OkStatus();
  const absl::StatusOr<std::string> text = Read("jwt.jwks_file", options.jwks_file);
  if (!text.ok()) return text.status();
  absl::StatusOr<std::vector<VerificationKey>> set = ParseJwks(*text);
  if (!set.ok()) return In("jwt.jwks_file", options.jwks_file, set.status());
  std::move(set->begin(), set->end(), std::back_inserter(*keys));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const KeySet>> KeySet::Load(const config::JwtOptions& options) {
  std::vector<VerificationKey> keys;
  if (absl::Status added = AddSecret(options, &keys); !added.ok()) return added;
  if (absl::Status added = AddPems(options, &keys); !added.ok()) return added;
  if (absl::Status added = AddJwks(options, &keys); !added.ok()) return added;
  return Of(std::move(keys));
}

absl::StatusOr<std::shared_ptr<const KeySet>> KeySet::Of(std::vector<VerificationKey> keys) {
  if (keys.empty()) {
    return absl::InvalidArgumentError(
        "there is no key that tokens could be verified with: name one for HS256, RS256, ES256 or "
        "EdDSA in jwt.secret_file, jwt.keys or jwt.jwks_file");
  }
  if (keys.size() > kKeysMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        keys.size(), " keys in jwt.keys and jwt.jwks_file are too many: keep it at ", kKeysMax));
  }
  return std::shared_ptr<const KeySet>(new KeySet(std::move(keys)));
}

JwtFault KeySet::Verify(SigningAlgorithm algorithm, std::string_view id, std::string_view text,
                        std::string_view signature) const {
  bool tried = false;
  for (const VerificationKey& key : keys_) {
    if (key.algorithm() != algorithm) continue;
    if (!id.empty() && !key.id().empty() && key.id() != id) continue;
    tried = true;
    if (key.Verify(text, signature)) return JwtFault::kNone;
  }
  return tried ? JwtFault::kBadSignature : JwtFault::kUnknownKey;
}

absl::StatusOr<std::unique_ptr<KeyStore>> KeyStore::Create(const config::JwtOptions& options) {
  std::unique_ptr<KeyStore> store(new KeyStore(options));
  if (absl::Status loaded = store->Reload(); !loaded.ok()) return loaded;
  return store;
}

absl::Status KeyStore::Reload() {
  absl::StatusOr<std::shared_ptr<const KeySet>> loaded = KeySet::Load(options_);
  if (!loaded.ok()) return loaded.status();
  const std::lock_guard lock(mutex_);
  keys_ = *std::move(loaded);
  return absl::OkStatus();
}

std::shared_ptr<const KeySet> KeyStore::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

}  // namespace halley::backend
