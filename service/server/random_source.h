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

// The kernel's generator (getrandom): no state here, nothing that a fork or a restart could repeat.
class KernelRandom : public RandomSource {
 public:
  uint64_t Next() override;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_RANDOM_SOURCE_H_
