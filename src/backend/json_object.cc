#include "backend/json_object.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"

namespace halley::backend {

void PrepareJsonParser(simdjson::dom::parser* parser) {
  const auto error = parser->allocate(simdjson::dom::MINIMAL_DOCUMENT_CAPACITY, kJsonDepthMax);
  HALLEY_ASSERT(error == simdjson::SUCCESS);
}

bool NamesDiffer(simdjson::dom::object object) {
  std::vector<std::string_view> names;
  names.reserve(object.size());
  for (const simdjson::dom::key_value_pair& field : object) names.push_back(field.key);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) == names.end();
}

std::optional<simdjson::dom::object> ParseUniqueObject(simdjson::dom::parser* parser,
                                                       std::string_view text) {
  simdjson::dom::object object;
  if (parser->parse(text.data(), text.size()).get(object) != simdjson::SUCCESS) return std::nullopt;
  if (!NamesDiffer(object)) return std::nullopt;
  return object;
}

bool ReadText(simdjson::dom::object object, std::string_view name, std::string_view* text) {
  *text = {};
  simdjson::dom::element value;
  if (object.at_key(name).get(value) != simdjson::SUCCESS) return true;
  return value.get(*text) == simdjson::SUCCESS;
}

bool ReadOps(simdjson::dom::element value, std::vector<int32_t>* ops) {
  simdjson::dom::array list;
  if (value.get(list) != simdjson::SUCCESS) return false;
  ops->clear();
  for (const simdjson::dom::element item : list) {
    int64_t op = 0;
    if (item.get(op) != simdjson::SUCCESS) return false;
    if (op < std::numeric_limits<int32_t>::min() || op > std::numeric_limits<int32_t>::max()) {
      return false;
    }
    ops->push_back(static_cast<int32_t>(op));
  }
  return true;
}

}  // namespace halley::backend
