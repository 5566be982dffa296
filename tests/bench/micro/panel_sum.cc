#include "tests/bench/micro/panel_sum.h"

#include <immintrin.h>

namespace suggest::bench {
namespace {

__attribute__((target("avx512f"))) float SumAvx512(const float* values, size_t n) {
  __m512 sums[8];
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  size_t i = 0;
  for (; i + 128 <= n; i += 128) {
    for (int k = 0; k < 8; ++k) sums[k] = _mm512_add_ps(sums[k], _mm512_load_ps(values + i + 16 * k));
  }
  for (; i < n; i += 16) sums[0] = _mm512_add_ps(sums[0], _mm512_load_ps(values + i));
  for (int k = 1; k < 8; ++k) sums[0] = _mm512_add_ps(sums[0], sums[k]);
  float lanes[16];
  _mm512_storeu_ps(lanes, sums[0]);
  float total = 0;
  for (const float lane : lanes) total += lane;
  return total;
}

__attribute__((target("avx2"))) float SumAvx2(const float* values, size_t n) {
  __m256 sums[8];
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  for (size_t i = 0; i < n; i += 64) {
    for (int k = 0; k < 8; ++k) sums[k] = _mm256_add_ps(sums[k], _mm256_load_ps(values + i + 8 * k));
  }
  float total = 0;
  for (const __m256& sum : sums) {
    float lanes[8];
    _mm256_storeu_ps(lanes, sum);
    for (const float lane : lanes) total += lane;
  }
  return total;
}

float SumBaseline(const float* values, size_t n) {
  __m128 sums[8];
  for (__m128& sum : sums) sum = _mm_setzero_ps();
  for (size_t i = 0; i < n; i += 32) {
    for (int k = 0; k < 8; ++k) sums[k] = _mm_add_ps(sums[k], _mm_load_ps(values + i + 4 * k));
  }
  float total = 0;
  for (const __m128& sum : sums) {
    float lanes[4];
    _mm_storeu_ps(lanes, sum);
    for (const float lane : lanes) total += lane;
  }
  return total;
}

}  // namespace

float PanelSum(const float* values, size_t n) {
  if (__builtin_cpu_supports("avx512f")) return SumAvx512(values, n);
  return __builtin_cpu_supports("avx2") ? SumAvx2(values, n) : SumBaseline(values, n);
}

}  // namespace suggest::bench
