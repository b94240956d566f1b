// The little of WebSocket and HTTP that peers need beside halley-load's own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wire/goim_frame.h"

namespace halley::peers {

struct WebMessage {
  uint8_t opcode = 0;  // RFC 6455 5.2: 1 text, 2 binary, 8 close, 9 ping, 10 pong
  std::string_view payload;
};

// Takes one unfragmented message of a server.
wire::DecodeStatus TakeWebMessage(std::string_view bytes, WebMessage* message, size_t* used);

// A client's message; masked, as it must be, with the key 0.
void AppendWebMessage(uint8_t opcode, std::string_view payload, std::string* out);

void AppendPost(const std::string& path, const std::string& host, const std::string& headers,
                std::string_view body, std::string* out);

// Takes an HTTP answer that has a Content-Length.
wire::DecodeStatus TakeHttpAnswer(std::string_view bytes, int* code, std::string_view* body,
                                  size_t* used);

}  // namespace halley::peers
