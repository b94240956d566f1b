// Apart from sockets.cc, for the kernel's header and the C library's do not go together, and only the former has
// all of what is asked for.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

#include "io/sockets.h"

namespace halley::io {

std::optional<Traffic> TrafficOf(int fd) {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return std::nullopt;
  // Linux 4.19; an older one answers with less.
  if (length < offsetof(tcp_info, tcpi_bytes_sent) + sizeof info.tcpi_bytes_sent) return std::nullopt;
  return Traffic{info.tcpi_bytes_sent, info.tcpi_bytes_received, info.tcpi_total_retrans};
}

}  // namespace halley::io
