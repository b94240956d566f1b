#include "backend/key_set.h"

#include <algorithm>
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

KeySet::Keys Shared(std::vector<VerificationKey> keys) {
  KeySet::Keys shared;
  shared.reserve(keys.size());
  for (VerificationKey& key : keys) {
    shared.push_back(std::make_shared<const VerificationKey>(std::move(key)));
  }
  return shared;
}

absl::StatusOr<KeySet::Keys> LoadFiles(const config::JwtOptions& options) {
  std::vector<VerificationKey> keys;
  if (absl::Status added = AddSecret(options, &keys); !added.ok()) return added;
  if (absl::Status added = AddPems(options, &keys); !added.ok()) return added;
  if (absl::Status added = AddJwks(options, &keys); !added.ok()) return added;
  return Shared(std::move(keys));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const KeySet>> KeySet::Load(const config::JwtOptions& options) {
  absl::StatusOr<Keys> keys = LoadFiles(options);
  if (!keys.ok()) return keys.status();
  if (keys->empty() && !options.jwks_url.empty()) {
    return std::shared_ptr<const KeySet>(new KeySet({}));
  }
  return Of(*std::move(keys));
}

absl::StatusOr<std::shared_ptr<const KeySet>> KeySet::Of(std::vector<VerificationKey> keys) {
  return Of(Shared(std::move(keys)));
}

absl::StatusOr<std::shared_ptr<const KeySet>> KeySet::Of(Keys keys) {
  if (keys.empty()) {
    return absl::InvalidArgumentError(
        "there is no key that tokens could be verified with: name one for HS256, RS256, ES256 or "
        "EdDSA in jwt.secret_file, jwt.keys, jwt.jwks_file or jwt.jwks_url");
  }
  if (keys.size() > kKeysMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(keys.size(), " keys in jwt.keys, jwt.jwks_file and at jwt.jwks_url are too "
                     "many: keep it at ", kKeysMax));
  }
  return std::shared_ptr<const KeySet>(new KeySet(std::move(keys)));
}

JwtFault KeySet::Verify(SigningAlgorithm algorithm, std::string_view id, std::string_view text,
                        std::string_view signature) const {
  bool tried = false;
  for (const auto& key : keys_) {
    if (key->algorithm() != algorithm) continue;
    if (!id.empty() && !key->id().empty() && key->id() != id) continue;
    tried = true;
    if (key->Verify(text, signature)) return JwtFault::kNone;
  }
  return tried ? JwtFault::kBadSignature : JwtFault::kUnknownKey;
}

bool KeySet::HasId(std::string_view id) const {
  return std::ranges::any_of(keys_, [id](const auto& key) { return key->id() == id; });
}

absl::StatusOr<std::unique_ptr<KeyStore>> KeyStore::Create(const config::JwtOptions& options) {
  std::unique_ptr<KeyStore> store(new KeyStore(options));
  if (absl::Status loaded = store->Reload(); !loaded.ok()) return loaded;
  return store;
}

absl::Status KeyStore::Reload() {
  const std::lock_guard changing(changing_);
  absl::StatusOr<KeySet::Keys> files = LoadFiles(options_);
  if (!files.ok()) return files.status();
  return Replace(*std::move(files), fetched_);
}

absl::Status KeyStore::TakeJwks(std::string_view text) {
  absl::StatusOr<std::vector<VerificationKey>> set = ParseJwks(text);
  if (!set.ok()) return set.status();
  if (set->empty()) {
    return absl::InvalidArgumentError("it has no key for RS256, ES256 or EdDSA: publish one");
  }
  for (const VerificationKey& key : *set) {
    if (key.algorithm() != SigningAlgorithm::kHs256) continue;
    return absl::InvalidArgumentError(
        "it has a secret, so that whoever can fetch it can sign: publish public keys only");
  }
  const std::lock_guard changing(changing_);
  return Replace(files_, Shared(*std::move(set)));
}

// The caller holds changing_.
absl::Status KeyStore::Replace(KeySet::Keys files, KeySet::Keys fetched) {
  KeySet::Keys all = files;
  all.insert(all.end(), fetched.begin(), fetched.end());
  std::shared_ptr<const KeySet> keys(new KeySet({}));
  if (!all.empty() || options_.jwks_url.empty()) {
    absl::StatusOr<std::shared_ptr<const KeySet>> made = KeySet::Of(std::move(all));
    if (!made.ok()) return made.status();
    keys = *std::move(made);
  }
  files_ = std::move(files);
  fetched_ = std::move(fetched);
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
  return absl::OkStatus();
}

std::shared_ptr<const KeySet> KeyStore::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

}  // namespace halley::backend
