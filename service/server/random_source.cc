#include "service/server/random_source.h"

#include <sys/random.h>

#include "bandit/base/check.h"

namespace suggest::server {

uint64_t KernelRandom::Next() {
  // The kernel gives up to 256 bytes without interruption. Each number is used once.
  constexpr size_t kNumbers = 256 / sizeof(uint64_t);
  thread_local uint64_t numbers[kNumbers];
  thread_local size_t left = 0;
  if (left == 0) {
    SUGGEST_CHECK(getrandom(numbers, sizeof(numbers), 0) == sizeof(numbers));
    left = kNumbers;
  }
  return numbers[--left];
}

}  // namespace suggest::server
