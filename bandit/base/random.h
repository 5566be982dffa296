// Counter-based random numbers (M17): Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC'11). The k-th number of a stream
// is a pure function of (seed, stream, k), so a decision's draw can be recomputed from its seed alone, on any machine.
//
// Uniforms are (2 k + 1) 2^-53 with k of 52 bits, hence exact and inside (0, 1); normals are the inverse of the normal
// distribution (portable_math.h) of one uniform each. Nothing here calls libm.
#ifndef BANDIT_BASE_RANDOM_H_
#define BANDIT_BASE_RANDOM_H_

#include <array>
#include <cstdint>

namespace suggest::bandit {

// One block of Philox4x32-10.
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

struct Seed {
  uint64_t value = 0;
};

// One stream. Streams of one seed, and those of different seeds, are independent. A value: copying it copies its place.
class CounterRng {
 public:
  CounterRng(Seed seed, uint64_t stream) : seed_(seed.value), stream_(stream) {}

  uint64_t NextUint64();
  double NextUniform();  // in (0, 1)
  double NextNormal();   // mean 0, variance 1
  // Uniform on {0, ..., n - 1}, without bias (by rejection). REQUIRES: n >= 1.
  uint32_t Below(uint32_t n);

 private:
  uint64_t seed_;
  uint64_t stream_;
  uint64_t block_ = 0;
  int used_ = 2;  // of buffer_
  std::array<uint64_t, 2> buffer_ = {0, 0};
};

}  // namespace suggest::bandit

#endif  // BANDIT_BASE_RANDOM_H_
