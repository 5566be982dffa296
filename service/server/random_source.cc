#include "service/server/random_source.h"

#include <sys/random.h>

#include "bandit/base/check.h"

namespace suggest::server {

uint64_t KernelRandom::Next() {
  uint64_t value = 0;
  SUGGEST_CHECK(getrandom(&value, sizeof(value), 0) == sizeof(value));
  return value;
}

}  // namespace suggest::server
