#include "admin/page.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "admin/embedded.h"
#include "web/embedded.h"

namespace halley::admin {
namespace {

constexpr char kHtml[] = "text/html; charset=utf-8";
constexpr char kCss[] = "text/css; charset=utf-8";
constexpr char kScript[] = "text/javascript; charset=utf-8";

// Of "name:port" the name, if a policy can hold it (its grammar knows no brackets, and what else is no part
// of a name must not get into a header); else "*".
absl::string_view NameInPolicy(absl::string_view host) {
  const absl::string_view name = host.substr(0, host.rfind(':'));
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '.';
  });
  return plain ? name : "*";
}

}  // namespace

absl::Span<const PageFile> PageFiles() {
  static const auto* const files = new std::array<PageFile, 8>{{
      {"/", kHtml, kPageHtml},
      {"/page/page.css", kCss, kPageCss},
      {"/page/main.js", kScript, kPageMain},
      {"/page/api.js", kScript, kPageApi},
      {"/page/figures.js", kScript, kPageFigures},
      {"/page/chart.js", kScript, kPageChart},
      {"/page/tryout.js", kScript, kPageTryout},
      {"/halley.js", kScript, web::kHalleyJs},
  }};
  return *files;
}

std::string PagePolicy(absl::string_view host, uint32_t ws_port, uint32_t wss_port) {
  const absl::string_view name = NameInPolicy(host);
  std::string connect = "connect-src 'self'";
  if (ws_port != 0) absl::StrAppend(&connect, " ws://", name, ":", ws_port);
  if (wss_port != 0) absl::StrAppend(&connect, " wss://", name, ":", wss_port);
  return absl::StrCat("default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; ", connect,
                      "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                      "require-trusted-types-for 'script'; trusted-types 'none'");
}

}  // namespace halley::admin
