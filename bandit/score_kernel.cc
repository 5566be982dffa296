#include "bandit/score_kernel.h"

#include <immintrin.h>

namespace suggest::bandit {
namespace {

__attribute__((target("avx2,fma"))) void ScoreBlocksAvx2(const float* panel, int cols, const float* weights, int blocks,
                                                         float* out) {
  for (int block = 0; block < blocks; ++block) {
    __m256 low = _mm256_setzero_ps();
    __m256 high = _mm256_setzero_ps();
    for (int c = 0; c < cols; ++c, panel += kPanelRows) {
      const __m256 weight = _mm256_set1_ps(weights[c]);
      low = _mm256_fmadd_ps(weight, _mm256_loadu_ps(panel), low);
      high = _mm256_fmadd_ps(weight, _mm256_loadu_ps(panel + 8), high);
    }
    _mm256_storeu_ps(out + block * kPanelRows, low);
    _mm256_storeu_ps(out + block * kPanelRows + 8, high);
  }
}

__attribute__((target("avx512f"))) void ScoreBlocksAvx512(const float* panel, int cols, const float* weights,
                                                          int blocks, float* out) {
  for (int block = 0; block < blocks; ++block) {
    __m512 sum = _mm512_setzero_ps();
    for (int c = 0; c < cols; ++c, panel += kPanelRows) {
      sum = _mm512_fmadd_ps(_mm512_set1_ps(weights[c]), _mm512_loadu_ps(panel), sum);
    }
    _mm512_storeu_ps(out + block * kPanelRows, sum);
  }
}

bool HasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool HasAvx512() {
  return __builtin_cpu_supports("avx512f");
}

}  // namespace

void ScoreBlocksBaseline(const float* panel, int cols, const float* weights, int blocks, float* out) {
  for (int block = 0; block < blocks; ++block) {
    __m128 sums[4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
    for (int c = 0; c < cols; ++c, panel += kPanelRows) {
      const __m128 weight = _mm_set1_ps(weights[c]);
      for (int part = 0; part < 4; ++part) {
        sums[part] = _mm_add_ps(sums[part], _mm_mul_ps(weight, _mm_loadu_ps(panel + 4 * part)));
      }
    }
    for (int part = 0; part < 4; ++part) _mm_storeu_ps(out + block * kPanelRows + 4 * part, sums[part]);
  }
}

ScoreBlocks WidestScoreBlocks() {
  if (HasAvx512()) return ScoreBlocksAvx512;
  if (HasAvx2()) return ScoreBlocksAvx2;
  return ScoreBlocksBaseline;
}

int AvailableScoreBlocks(ScoreBlocks out[3]) {
  int n = 0;
  out[n++] = ScoreBlocksBaseline;
  if (HasAvx2()) out[n++] = ScoreBlocksAvx2;
  if (HasAvx512()) out[n++] = ScoreBlocksAvx512;
  return n;
}

}  // namespace suggest::bandit
