// The option table as text: for --help, for a configuration file to start from, and for README.md.
#pragma once

#include <string>

namespace halley::config {

// Aligned, at most 100 columns wide.
std::string RenderHelp();

// A TOML file that changes nothing: every option with its sentence, range and default, each
// setting behind a '#'.
std::string RenderToml();

// One row per option, the flags that are no options last.
std::string RenderMarkdownTable();

}  // namespace halley::config
