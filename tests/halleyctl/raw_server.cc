#include "halleyctl/raw_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "wire/goim_frame.h"
#include "wire/http_answer.h"
#include "wire/websocket.h"

namespace halley::ctl::testing {

std::string RawConnection::Read(size_t bytes) {
  std::string read;
  while (read.size() < bytes) {
    char byte[4096];
    const ssize_t received = recv(fd_, byte, std::min(sizeof byte, bytes - read.size()), 0);
    if (received <= 0) break;
    read.append(byte, static_cast<size_t>(received));
  }
  return read;
}

std::string RawConnection::ReadUntil(std::string_view end) {
  std::string read;
  while (read.size() < end.size() || read.substr(read.size() - end.size()) != end) {
    const std::string byte = Read(1);
    if (byte.empty()) break;
    read += byte;
  }
  return read;
}

void RawConnection::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

std::string RawConnection::ReadFrame() {
  std::string frame = Read(wire::kGoimHeaderBytes);
  if (frame.size() == wire::kGoimHeaderBytes) {
    frame += Read(base::LoadBe32(frame.data()) - wire::kGoimHeaderBytes);
  }
  return frame;
}

std::string RawConnection::ReadWsFrame(int* opcode) {
  std::string bytes;
  wire::WsHeader header;
  wire::DecodeStatus status = wire::DecodeStatus::kMore;
  while (status == wire::DecodeStatus::kMore) {
    const std::string byte = Read(1);
    if (byte.empty()) return "";
    bytes += byte;
    status = wire::DecodeWsHeader(bytes, &header);
  }
  HALLEY_ASSERT(status == wire::DecodeStatus::kDone);  // strict: masked, minimal
  std::string payload = Read(header.payload_bytes);
  wire::UnmaskWs(payload.data(), payload.data(), payload.size(), header.mask);
  *opcode = static_cast<int>(header.opcode);
  return payload;
}

std::string RawConnection::Upgrade() {
  const std::string request = ReadUntil("\r\n\r\n");
  wire::UpgradeRequest upgrade;
  wire::UpgradeRefusal refusal;
  size_t scanned = 0;
  HALLEY_ASSERT(wire::ParseUpgrade(request, {}, &scanned, &upgrade, &refusal) ==
                wire::UpgradeStatus::kDone);
  std::string answer;
  wire::AppendUpgradeAccepted(upgrade, &answer);
  Write(answer);
  return request;
}

RawServer::RawServer(std::function<void(RawConnection&)> script) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof name;
  HALLEY_ASSERT(bind(listener_, reinterpret_cast<sockaddr*>(&name), bytes) == 0);
  HALLEY_ASSERT(listen(listener_, 1) == 0);
  HALLEY_ASSERT(getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &bytes) == 0);
  address_ = "127.0.0.1:" + std::to_string(ntohs(name.sin_port));
  thread_ = std::thread([this, script = std::move(script)] {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;  // the test is over and nobody came
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    RawConnection connection(fd);
    script(connection);
    close(fd);
  });
}

RawServer::~RawServer() {
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

std::string GoimFrameOf(int32_t op, int32_t seq, std::string_view body) {
  std::string frame(wire::kGoimHeaderBytes, '\0');
  wire::WriteGoimHeader(frame.data(), 1, op, seq, body.size());
  return frame.append(body);
}

std::string WsFrameOf(int opcode, bool fin, std::string_view payload) {
  char header[wire::kWsServerHeaderBytesMax];
  const size_t bytes =
      wire::WriteWsHeader(static_cast<wire::WsOpcode>(opcode), payload.size(), header);
  if (!fin) header[0] = static_cast<char>(header[0] & 0x7f);
  return std::string(header, bytes).append(payload);
}

}  // namespace halley::ctl::testing
