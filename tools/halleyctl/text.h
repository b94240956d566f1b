// What halleyctl prints: text that is safe on a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace halley::ctl {

// `text` with control bytes, and everything when it is not UTF-8, written as \n, \t, \\ or \xNN:
// names and bodies come from strangers, and a terminal obeys what it prints.
std::string Printable(std::string_view text);

// "1.5 MiB".
std::string HumanBytes(uint64_t bytes);

}  // namespace halley::ctl
