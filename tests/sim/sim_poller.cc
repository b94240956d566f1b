#include "sim/sim_poller.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/escaping.h"

namespace halley::sim {
namespace {

constexpr std::string_view kCallback = "got";
constexpr std::string_view kBegin = "{\"ver\":1,\"op\":5,\"seq\":0,\"body";

std::string PercentEncoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    encoded += '%';
    encoded += absl::BytesToHexString({&c, 1});
  }
  return encoded;
}

// Takes a string as Halley writes it, with its quotes, off the front. False: it is none.
bool TakeString(std::string_view* text, std::string* content) {
  if (!text->starts_with('"')) return false;
  for (size_t at = 1; at < text->size(); ++at) {
    const char c = (*text)[at];
    if (c == '"') {
      text->remove_prefix(at + 1);
      return true;
    }
    if (c != '\\') {
      content->push_back(c);
    } else if ((*text)[at + 1] == 'u') {
      content->append(absl::HexStringToBytes(std::string(text->substr(at + 4, 2))));
      at += 5;
    } else {
      content->push_back((*text)[++at]);
    }
  }
  return false;
}

// Takes one pushed object off the front.
bool TakeObject(std::string_view* text, std::string* body) {
  if (!text->starts_with(kBegin)) return false;
  text->remove_prefix(kBegin.size());
  const bool encoded = text->starts_with("64");
  text->remove_prefix(encoded ? 4 : 2);
  std::string content;
  if (!TakeString(text, &content) || !text->starts_with('}')) return false;
  text->remove_prefix(1);
  if (!encoded) {
    *body = content;
    return true;
  }
  return absl::Base64Unescape(content, body);
}

}  // namespace

void SimPoller::Ask(uint32_t shard, std::string_view behind) {
  std::string token = "{\"key\":\"" + setup_.key + "\",\"mid\":" + std::to_string(setup_.mid) +
                      ",\"room_id\":\"" + setup_.room + "\"}";
  std::string request = "GET /sub?ver=1&op=7&seq=1&t=" + PercentEncoded(token);
  if (setup_.script) request.append("&cb=").append(kCallback);
  request.append(" HTTP/1.1\r\nHost: sim\r\n\r\n").append(behind);
  asked_ = core_.Stamp();
  link_ = net_.Connect(this, shard::ListenerKind::kGoimV1WebSocket, shard);
  net_.Send(link_, request);
}

void SimPoller::OnTaken(std::string_view bytes) {
  if (answered_) Wrong("is sent something behind its response");
  taken_.append(bytes);
  const size_t head = taken_.find("\r\n\r\n");
  if (head == std::string::npos) return;
  const int status = std::atoi(taken_.c_str() + 9);
  if (!taken_.starts_with("HTTP/1.1 ") || taken_.rfind("HTTP/1.1 ") != 0) {
    Wrong("is sent no response, or two");
  }
  const size_t field = taken_.find("\r\nContent-Length: ");
  const size_t length = field < head ? std::stoul(taken_.substr(field + 18)) : 0;
  if ((status == 204) != (field >= head)) Wrong("is sent a response without a length");
  const std::string_view body = std::string_view(taken_).substr(head + 4);
  if (body.size() > length) Wrong("is sent more than the response's length");
  if (body.size() < length || (status != 200 && status != 204)) return;
  answered_ = true;
  if (status == 200) OnMessage(body);
}

void SimPoller::OnMessage(std::string_view text) {
  if (setup_.script) {
    if (!text.starts_with(std::string(kCallback) + "=")) Wrong("is sent no script");
    text.remove_prefix(std::min(text.size(), kCallback.size() + 1));
  }
  const bool batch = text.starts_with('[');
  uint16_t part = 0;
  Named named;
  do {
    if (batch) text.remove_prefix(1);
    std::string body;
    if (!TakeObject(&text, &body) || !ledger_.Read(body, &named) || named.part != part++) {
      Wrong("is sent a push that nobody sent");
      return;
    }
  } while (batch && text.starts_with(','));
  if (text != (batch ? "]" : "") || part != named.parts) Wrong("is sent half of a push");
  core_.Note("polled", number_, named.id);
  received_.push_back(named.id);
  delivered_on_ = link_->shard;
  if (!MayGet(ledger_.at(named.id))) {
    Wrong("is sent push " + std::to_string(named.id) + ", which is not for it");
  }
}

bool SimPoller::MayGet(const Message& message) const {
  const auto named = [&](const std::string& name) {
    return std::find(message.names.begin(), message.names.end(), name) != message.names.end();
  };
  if (message.done < asked_) return false;
  switch (message.kind) {
    case PushKind::kKeys: return named(setup_.key);
    case PushKind::kRooms: return named(setup_.room);
    case PushKind::kMids:
      return std::find(message.mids.begin(), message.mids.end(), setup_.mid) != message.mids.end();
    case PushKind::kAll: return true;
  }
  return false;
}

void SimPoller::OnEnd(bool reset) {
  over_ = true;
  if (reset || link_->client_gone) return;
  if (read_bytes_ != link_->taken_bytes) Wrong("read less than what was taken");
}

void SimPoller::Wrong(const std::string& what) {
  core_.Fail("poller " + std::to_string(number_) + " (link " + std::to_string(link_->id) + ") " +
             what);
}

}  // namespace halley::sim
