// A node's figures for people and for machines.
#pragma once

#include <string>

#include "halley/push_types.h"

namespace halley::ctl {

std::string StatusText(const NodeFigures& node);
std::string StatusJson(const NodeFigures& node);

}  // namespace halley::ctl
