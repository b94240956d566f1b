#include "io/descriptor_road.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/assert.h"

namespace halley::io {

namespace {

constexpr size_t kPassagesMax = Ring::kPassagesMax;

struct Control {
  alignas(cmsghdr) char bytes[CMSG_SPACE(kPassagesMax * sizeof(int))];
};

}  // namespace

DescriptorRoad::~DescriptorRoad() {
  if (open()) ::close(socket_);
}

absl::StatusOr<std::pair<DescriptorRoad, DescriptorRoad>> DescriptorRoad::Open() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot open a socket pair between two shards (", std::strerror(errno),
                     "); raise RLIMIT_NOFILE (ulimit -n) or run fewer shards"));
  }
  return std::pair(DescriptorRoad(ends[0]), DescriptorRoad(ends[1]));
}

absl::StatusOr<std::vector<std::vector<DescriptorRoad>>> DescriptorRoad::OpenAll(uint32_t count) {
  std::vector<std::vector<DescriptorRoad>> roads(count);
  for (std::vector<DescriptorRoad>& of_shard : roads) of_shard.resize(count);
  for (uint32_t low = 0; low < count; ++low) {
    for (uint32_t high = low + 1; high < count; ++high) {
      auto ends = Open();
      if (!ends.ok()) return ends.status();
      roads[low][high] = std::move(ends->first);
      roads[high][low] = std::move(ends->second);
    }
  }
  return roads;
}

bool DescriptorRoad::Send(absl::Span<const Passage> out) {
  HALLEY_ASSERT(open() && out.size() <= kPassagesMax);
  if (out.empty()) return true;
  std::array<uint32_t, kPassagesMax> tokens;
  std::array<int, kPassagesMax> fds;
  for (size_t i = 0; i < out.size(); ++i) {
    tokens[i] = out[i].token;
    fds[i] = out[i].fd;
  }
  iovec part{tokens.data(), out.size() * sizeof(uint32_t)};
  Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_SPACE(out.size() * sizeof(int));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(out.size() * sizeof(int));
  std::memcpy(CMSG_DATA(header), fds.data(), out.size() * sizeof(int));

  ssize_t sent;
  do {
    sent = ::sendmsg(socket_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    // ETOOMANYREFS: more descriptors on their way than RLIMIT_NOFILE allows. EPIPE, ECONNRESET: the
    // other shard has ended.
    const int error = errno;
    HALLEY_ASSERT(error == EAGAIN || error == ETOOMANYREFS || error == ENOBUFS ||
                  error == ENOMEM || error == EPIPE || error == ECONNRESET);
    return false;
  }
  for (const Passage& passage : out) ::close(passage.fd);
  return true;
}

size_t DescriptorRoad::Receive(absl::Span<Passage> in) {
  HALLEY_ASSERT(open() && in.size() >= kPassagesMax);
  size_t count = 0;
  while (in.size() - count >= kPassagesMax) {
    const size_t taken = ReceiveMessage(in.data() + count);
    if (taken == 0) break;
    count += taken;
  }
  return count;
}

size_t DescriptorRoad::ReceiveMessage(Passage* in) {
  std::array<uint32_t, kPassagesMax> tokens;
  iovec part{tokens.data(), sizeof tokens};
  Control control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t bytes;
  do {
    bytes = ::recvmsg(socket_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (bytes < 0 && errno == EINTR);
  if (bytes <= 0) return 0;

  const size_t count = static_cast<size_t>(bytes) / sizeof(uint32_t);
  size_t delivered = 0;
  std::array<int, kPassagesMax> fds;
  // After MSG_CTRUNC (EMFILE) the first ones are here and the rest is lost.
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    delivered = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    HALLEY_ASSERT(delivered <= count);
    std::memcpy(fds.data(), CMSG_DATA(header), delivered * sizeof(int));
  }
  for (size_t i = 0; i < count; ++i) in[i] = {i < delivered ? fds[i] : -1, tokens[i]};
  return count;
}

}  // namespace halley::io
