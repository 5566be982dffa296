// Numbers as people write them where a number stands for a name.
#ifndef BANDIT_BASE_DECIMAL_TEXT_H_
#define BANDIT_BASE_DECIMAL_TEXT_H_

#include <string>

namespace suggest {

// The shortest decimal text that reads back to the same bits, never with an exponent: 100000 is "100000", 1e15 is
// "1000000000000000", 1e-7 is "0.0000001", and -0 is "0". PostgreSQL writes numeric, integer and jsonb so.
// REQUIRES: `x` is finite.
std::string DecimalText(double x);

}  // namespace suggest

#endif  // BANDIT_BASE_DECIMAL_TEXT_H_
