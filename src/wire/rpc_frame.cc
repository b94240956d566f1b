#include "wire/rpc_frame.h"

#include "base/bytes.h"

namespace halley::wire {

DecodeStatus NextRpcFrame(Inbox* inbox, size_t bytes_max, std::string_view* payload) {
  if (inbox->size() < kRpcHeaderBytes) return DecodeStatus::kMore;
  const size_t bytes = base::LoadBe32(inbox->begin);
  if (bytes == 0) return DecodeStatus::kBad;
  if (bytes > bytes_max) return DecodeStatus::kTooBig;
  if (inbox->size() - kRpcHeaderBytes < bytes) return DecodeStatus::kMore;
  *payload = {inbox->begin + kRpcHeaderBytes, bytes};
  inbox->begin += kRpcHeaderBytes + bytes;
  return DecodeStatus::kDone;
}

}  // namespace halley::wire
