#include "comet/connect.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/address.h"

namespace halley::comet {

int Connect(const std::string& address) {
  const auto parsed = config::ParseAddresses(address);
  if (!parsed.ok() || parsed->size() != 1 || parsed->front().ipv6) return -1;
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(parsed->front().port);
  inet_pton(AF_INET, parsed->front().host.c_str(), &name.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace halley::comet
