#include "base/assert.h"
#include "discovery/discovery.h"

namespace halley::discovery {

std::string_view FailureName(Failure failure) {
  switch (failure) {
    case Failure::kUnreachable: return "unreachable";
    case Failure::kTimedOut: return "timed_out";
    case Failure::kHttpStatus: return "http_status";
    case Failure::kTooBig: return "too_big";
    case Failure::kBadAnswer: return "bad_answer";
    case Failure::kRefused: return "refused";
    case Failure::kNotFound: return "not_found";
    case Failure::kEmptyList: return "empty_list";
    case Failure::kLeftOut: return "left_out";
  }
  HALLEY_ASSERT(false);
}

}  // namespace halley::discovery
