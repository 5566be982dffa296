#include "service/cli/json.h"

namespace suggest::cli {

std::string PrintJson(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace suggest::cli
