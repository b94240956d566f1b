#include "backend/login_object.h"

#include "backend/json_object.h"

namespace halley::backend {

bool ReadLoginObject(simdjson::dom::parser* parser, std::string_view text, LoginObject* login) {
  simdjson::dom::object fields;
  if (parser->parse(text.data(), text.size()).get(fields) != simdjson::SUCCESS) return false;
  for (const simdjson::dom::key_value_pair& field : fields) {
    if (field.value.is_null()) continue;
    bool good = true;
    std::string_view unused;
    if (field.key == "mid") {
      good = field.value.get(login->mid) == simdjson::SUCCESS;
    } else if (field.key == "key") {
      good = field.value.get(login->key) == simdjson::SUCCESS;
    } else if (field.key == "room_id") {
      good = field.value.get(login->room) == simdjson::SUCCESS;
    } else if (field.key == "accepts") {
      good = ReadOps(field.value, &login->accepts);
    } else if (field.key == "platform") {
      good = field.value.get(unused) == simdjson::SUCCESS;
    } else if (field.key == "token") {
      if (field.value.get(login->token) != simdjson::SUCCESS) login->token = {};
    }
    if (!good) return false;
  }
  return true;
}

}  // namespace halley::backend
