// Where the service's randomness comes from: decision seeds and the random bits of ids. Tests give a counting one.
//
// Threads: Next may be called from any thread.
#ifndef SERVICE_SERVER_RANDOM_SOURCE_H_
#define SERVICE_SERVER_RANDOM_SOURCE_H_

#include <cstdint>

namespace suggest::server {

class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual uint64_t Next() = 0;
};

// The kernel's generator (getrandom), 32 numbers at a time for each thread. Nothing that a restart could repeat; the
// process does not fork.
class KernelRandom : public RandomSource {
 public:
  uint64_t Next() override;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RANDOM_SOURCE_H_
