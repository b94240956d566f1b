// Certificates for tests, made when they are asked for: a root of our own, and what it signs; and
// what a peer does that our own never do.
//
// Ownership  Files live as long as the Authority that wrote them.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/assert.h"
#include "tls/context.h"
#include "tls/stream.h"

namespace halley::tls::testing {

class Authority {
 public:
  explicit Authority(const char* name = "test root") : key_(NewKey()), root_(X509_new()) {
    char pattern[] = "/tmp/halley-certificates-XXXXXX";
    HALLEY_ASSERT(::mkdtemp(pattern) != nullptr);
    folder_ = pattern;
    Fill(root_.get(), name, key_.get(), 1);
    Extend(root_.get(), NID_basic_constraints, "critical,CA:TRUE");
    Sign(root_.get(), root_.get());
    WriteCertificate(root_.get(), root_file());
  }
  ~Authority() { std::filesystem::remove_all(folder_); }

  std::string root_file() const { return folder_ + "/root.pem"; }

  // `names`: "DNS:a.example,IP:127.0.0.1". Files are called after `file`; an earlier pair of that
  // name is written over.
  Certificate Issue(const std::string& file, const std::string& names) {
    const Key key = NewKey();
    const Paper paper(X509_new());
    Fill(paper.get(), file.c_str(), key.get(), ++serial_);
    Extend(paper.get(), NID_subject_alt_name, names);
    Sign(paper.get(), root_.get());
    const Certificate certificate{folder_ + "/" + file + ".pem", folder_ + "/" + file + ".key"};
    WriteCertificate(paper.get(), certificate.chain_file);
    std::FILE* const to = std::fopen(certificate.key_file.c_str(), "w");
    HALLEY_ASSERT(to != nullptr);
    PEM_write_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(to);
    return certificate;
  }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* paper) const { X509_free(paper); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Paper = std::unique_ptr<X509, Free>;

  static Key NewKey() { return Key(EVP_EC_gen("P-256")); }

  void Fill(X509* paper, const char* name, EVP_PKEY* key, long serial) {
    X509_set_version(paper, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(paper), serial);
    X509_gmtime_adj(X509_getm_notBefore(paper), -3600);
    X509_gmtime_adj(X509_getm_notAfter(paper), 24 * 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(paper), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_set_pubkey(paper, key);
  }

  static void Extend(X509* paper, int nid, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    HALLEY_ASSERT(extension != nullptr);
    X509_add_ext(paper, extension, -1);
    X509_EXTENSION_free(extension);
  }

  void Sign(X509* paper, X509* issuer) {
    X509_set_issuer_name(paper, X509_get_subject_name(issuer));
    HALLEY_ASSERT(X509_sign(paper, key_.get(), EVP_sha256()) > 0);
  }

  static void WriteCertificate(X509* paper, const std::string& file) {
    std::FILE* const to = std::fopen(file.c_str(), "w");
    HALLEY_ASSERT(to != nullptr);
    PEM_write_X509(to, paper);
    std::fclose(to);
  }

  std::string folder_;
  Key key_;
  Paper root_;
  long serial_ = 1;
};

// The next Write() asks the other side for new keys, which it must answer.
inline void AskForNewKeys(Stream* stream) {
  SSL_key_update(stream->ssl(), SSL_KEY_UPDATE_REQUESTED);
}

}  // namespace halley::tls::testing
