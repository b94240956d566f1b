#include "halley-load/stamp.h"

#include "base/assert.h"
#include "base/bytes.h"

namespace halley::load {
namespace {

constexpr uint32_t kMagic = 0x484c4f44;

uint64_t CheckWord(const Stamp& stamp, size_t body_bytes) {
  const uint64_t words[] = {uint64_t{stamp.run} << 32 | stamp.pusher,
                            uint64_t{stamp.target} << 32 | stamp.number, stamp.serial,
                            stamp.sent_ns, body_bytes};
  uint64_t mix = 0x9e3779b97f4a7c15;
  for (const uint64_t word : words) mix = ((mix << 23 | mix >> 41) ^ word) * 0xff51afd7ed558ccd;
  return mix;
}

}  // namespace

void WriteStamp(const Stamp& stamp, std::string* body) {
  HALLEY_ASSERT(body->size() >= kStampBytesMin);
  char* to = body->data();
  base::StoreBe32(to, kMagic);
  base::StoreBe32(to + 4, stamp.run);
  base::StoreBe32(to + 8, stamp.pusher);
  base::StoreBe32(to + 12, stamp.target);
  base::StoreBe32(to + 16, stamp.number);
  base::StoreBe64(to + 20, stamp.serial);
  base::StoreBe64(to + 28, stamp.sent_ns);
  base::StoreBe64(to + body->size() - 8, CheckWord(stamp, body->size()));
}

bool ReadStamp(std::string_view body, Stamp* stamp) {
  if (body.size() < kStampBytesMin) return false;
  const char* from = body.data();
  if (base::LoadBe32(from) != kMagic) return false;
  stamp->run = base::LoadBe32(from + 4);
  stamp->pusher = base::LoadBe32(from + 8);
  stamp->target = base::LoadBe32(from + 12);
  stamp->number = base::LoadBe32(from + 16);
  stamp->serial = base::LoadBe64(from + 20);
  stamp->sent_ns = base::LoadBe64(from + 28);
  return base::LoadBe64(from + body.size() - 8) == CheckWord(*stamp, body.size());
}

}  // namespace halley::load
