// A blocking TCP connection.
#pragma once

#include <string>

namespace halley::comet {

// To an IPv4:port; -1 when it is no such text or nobody listens there.
int Connect(const std::string& address);

}  // namespace halley::comet
