// The peer of scoring: a plain sum over the bytes that it reads, with the widest vectors that the machine has and eight
// accumulators. What such a sum takes is what the memory takes. No Eigen and no templates here or in the source.
#ifndef TESTS_BENCH_MICRO_PANEL_SUM_H_
#define TESTS_BENCH_MICRO_PANEL_SUM_H_

#include <cstddef>
#include <cstdint>

namespace suggest::bench {

// Of n whole numbers, modulo 2^32. REQUIRES: `values` 64-byte aligned; n a multiple of 64.
uint32_t PanelSum(const uint32_t* values, size_t n);

}  // namespace suggest::bench

#endif  // TESTS_BENCH_MICRO_PANEL_SUM_H_
