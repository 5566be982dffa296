#include "bandit/base/random.h"

#include "bandit/base/check.h"
#include "bandit/base/portable_math.h"

namespace suggest::bandit {

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t left = uint64_t{0xD2511F53} * counter[0];
    const uint64_t right = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(right >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(right),
               static_cast<uint32_t>(left >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(left)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

uint64_t CounterRng::NextUint64() {
  if (used_ == 2) {
    const auto out = Philox4x32({static_cast<uint32_t>(block_), static_cast<uint32_t>(block_ >> 32),
                                 static_cast<uint32_t>(stream_), static_cast<uint32_t>(stream_ >> 32)},
                                {static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)});
    buffer_ = {out[0] | uint64_t{out[1]} << 32, out[2] | uint64_t{out[3]} << 32};
    ++block_;
    used_ = 0;
  }
  return buffer_[used_++];
}

double CounterRng::NextUniform() {
  return (2.0 * static_cast<double>(NextUint64() >> 12) + 1.0) * 0x1p-53;
}

double CounterRng::NextNormal() {
  return NormalQuantile(NextUniform());
}

uint32_t CounterRng::Below(uint32_t n) {
  SUGGEST_CHECK(n >= 1);
  // Lemire 2019: the high half of a 32 x 32 bit product, rejecting the few low halves that would be unfair.
  const uint32_t unfair = (0u - n) % n;
  while (true) {
    const uint64_t product = (NextUint64() >> 32) * n;
    if (static_cast<uint32_t>(product) >= unfair) return static_cast<uint32_t>(product >> 32);
  }
}

}  // namespace suggest::bandit
