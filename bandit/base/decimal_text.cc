#include "bandit/base/decimal_text.h"

#include <charconv>
#include <cmath>

#include "bandit/base/check.h"

namespace suggest {

std::string DecimalText(double x) {
  SUGGEST_CHECK(std::isfinite(x));
  char buffer[1100];  // the smallest double takes 1077 characters when all of its digits are written
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), x == 0 ? 0.0 : x, std::chars_format::fixed).ptr;
  return std::string(buffer, end);
}

}  // namespace suggest
