// The normal points behind propensities: blocks of 16 points, stratified in each dimension.
//
// A block is a Latin hypercube (McKay, Beckman, Conover 1979): in each dimension one uniform of each 16th part of
// (0, 1), in an order of its own, turned into normals by inversion. Its mean is unbiased, and its variance is never
// more than 16/15 of that of independent draws (Owen 1997), less for what is nearly additive. Blocks are independent,
// so the spread between them gives the standard error.
//
// kNormalBlocks blocks are made once per dimension and process, by a generator of fixed seed, and serve all decisions:
// making normals per request would be the largest cost. A decision takes some of them, and flips the sign of each
// dimension, by bits of its own seed.
//
// Threads: any. Bytes: 64 KiB per dimension, dimensions rounded up to a multiple of 8.
#ifndef BANDIT_PROPENSITY_NORMAL_POINTS_H_
#define BANDIT_PROPENSITY_NORMAL_POINTS_H_

#include <cstddef>
#include <vector>

#include "bandit/propensity/propensity_kernel.h"

namespace suggest::bandit {

inline constexpr int kNormalBlocks = 1024;

class NormalPoints {
 public:
  // The table with at least `dims` dimensions; it lives as long as the process.
  static const NormalPoints& OfDimension(int dims);

  // [dimension][lane]. REQUIRES: 0 <= block < kNormalBlocks.
  const float* block(int block) const { return &values_[static_cast<size_t>(block) * dims_ * kLanes]; }

 private:
  explicit NormalPoints(int dims);

  int dims_;
  std::vector<float> values_;
};

}  // namespace suggest::bandit

#endif  // BANDIT_PROPENSITY_NORMAL_POINTS_H_
