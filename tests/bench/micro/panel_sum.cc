#include "tests/bench/micro/panel_sum.h"

#include <immintrin.h>

namespace suggest::bench {
namespace {

__attribute__((target("avx512f"))) uint32_t SumAvx512(const uint32_t* values, size_t n) {
  __m512i sums[8];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  size_t i = 0;
  for (; i + 128 <= n; i += 128) {
    for (int k = 0; k < 8; ++k) sums[k] = _mm512_add_epi32(sums[k], _mm512_load_si512(values + i + 16 * k));
  }
  for (; i < n; i += 16) sums[0] = _mm512_add_epi32(sums[0], _mm512_load_si512(values + i));
  for (int k = 1; k < 8; ++k) sums[0] = _mm512_add_epi32(sums[0], sums[k]);
  uint32_t lanes[16];
  _mm512_storeu_si512(lanes, sums[0]);
  uint32_t total = 0;
  for (const uint32_t lane : lanes) total += lane;
  return total;
}

__attribute__((target("avx2"))) uint32_t SumAvx2(const uint32_t* values, size_t n) {
  __m256i sums[8];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (size_t i = 0; i < n; i += 64) {
    for (int k = 0; k < 8; ++k) {
      const __m256i loaded = _mm256_load_si256(reinterpret_cast<const __m256i*>(values + i + 8 * k));
      sums[k] = _mm256_add_epi32(sums[k], loaded);
    }
  }
  uint32_t total = 0;
  for (const __m256i& sum : sums) {
    uint32_t lanes[8];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes), sum);
    for (const uint32_t lane : lanes) total += lane;
  }
  return total;
}

uint32_t SumBaseline(const uint32_t* values, size_t n) {
  __m128i sums[8];
  for (__m128i& sum : sums) sum = _mm_setzero_si128();
  for (size_t i = 0; i < n; i += 32) {
    for (int k = 0; k < 8; ++k) {
      const __m128i loaded = _mm_load_si128(reinterpret_cast<const __m128i*>(values + i + 4 * k));
      sums[k] = _mm_add_epi32(sums[k], loaded);
    }
  }
  uint32_t total = 0;
  for (const __m128i& sum : sums) {
    uint32_t lanes[4];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(lanes), sum);
    for (const uint32_t lane : lanes) total += lane;
  }
  return total;
}

}  // namespace

uint32_t PanelSum(const uint32_t* values, size_t n) {
  if (__builtin_cpu_supports("avx512f")) return SumAvx512(values, n);
  return __builtin_cpu_supports("avx2") ? SumAvx2(values, n) : SumBaseline(values, n);
}

}  // namespace suggest::bench
