#include "bandit/score_kernel.h"

#include <immintrin.h>

#include <cstddef>

namespace suggest::bandit {
namespace {

__attribute__((target("avx2,fma"))) int NextHitAvx2(const ScorePass& pass, int begin, float threshold, float* scores,
                                                    uint64_t* hits) {
  const __m256 limit = _mm256_set1_ps(threshold);
  const float* column = pass.panel + static_cast<size_t>(begin) * pass.cols * kPanelRows;
  for (int block = begin; block < pass.blocks; ++block) {
    if (pass.eligible[block] == 0) {
      column += static_cast<size_t>(pass.cols) * kPanelRows;
      continue;
    }
    __m256 sums[8];
    for (int part = 0; part < 8; ++part) sums[part] = _mm256_setzero_ps();
    for (int c = 0; c < pass.cols; ++c, column += kPanelRows) {
      const __m256 weight = _mm256_set1_ps(pass.weights[c]);
      for (int part = 0; part < 8; ++part) {
        sums[part] = _mm256_fmadd_ps(weight, _mm256_load_ps(column + 8 * part), sums[part]);
      }
    }
    uint64_t reached = 0;
    for (int part = 0; part < 8; ++part) {
      const int mask = _mm256_movemask_ps(_mm256_cmp_ps(sums[part], limit, _CMP_GE_OQ));
      reached |= static_cast<uint64_t>(mask) << (8 * part);
    }
    reached &= pass.eligible[block];
    if (reached == 0) continue;
    for (int part = 0; part < 8; ++part) _mm256_storeu_ps(scores + 8 * part, sums[part]);
    *hits = reached;
    return block;
  }
  return pass.blocks;
}

__attribute__((target("avx512f"))) int NextHitAvx512(const ScorePass& pass, int begin, float threshold, float* scores,
                                                     uint64_t* hits) {
  const __m512 limit = _mm512_set1_ps(threshold);
  const float* column = pass.panel + static_cast<size_t>(begin) * pass.cols * kPanelRows;
  for (int block = begin; block < pass.blocks; ++block) {
    if (pass.eligible[block] == 0) {
      column += static_cast<size_t>(pass.cols) * kPanelRows;
      continue;
    }
    __m512 sums[4];
    for (int part = 0; part < 4; ++part) sums[part] = _mm512_setzero_ps();
    for (int c = 0; c < pass.cols; ++c, column += kPanelRows) {
      const __m512 weight = _mm512_set1_ps(pass.weights[c]);
      for (int part = 0; part < 4; ++part) {
        sums[part] = _mm512_fmadd_ps(weight, _mm512_load_ps(column + 16 * part), sums[part]);
      }
    }
    uint64_t reached = 0;
    for (int part = 0; part < 4; ++part) {
      const __mmask16 mask = _mm512_cmp_ps_mask(sums[part], limit, _CMP_GE_OQ);
      reached |= static_cast<uint64_t>(mask) << (16 * part);
    }
    reached &= pass.eligible[block];
    if (reached == 0) continue;
    for (int part = 0; part < 4; ++part) _mm512_storeu_ps(scores + 16 * part, sums[part]);
    *hits = reached;
    return block;
  }
  return pass.blocks;
}

bool HasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool HasAvx512() {
  return __builtin_cpu_supports("avx512f");
}

}  // namespace

// In two halves of a block: eight of the sixteen registers each.
int NextHitBaseline(const ScorePass& pass, int begin, float threshold, float* scores, uint64_t* hits) {
  const __m128 limit = _mm_set1_ps(threshold);
  for (int block = begin; block < pass.blocks; ++block) {
    if (pass.eligible[block] == 0) continue;
    uint64_t reached = 0;
    for (int half = 0; half < 2; ++half) {
      const float* column = pass.panel + static_cast<size_t>(block) * pass.cols * kPanelRows + 32 * half;
      __m128 sums[8];
      for (int part = 0; part < 8; ++part) sums[part] = _mm_setzero_ps();
      for (int c = 0; c < pass.cols; ++c, column += kPanelRows) {
        const __m128 weight = _mm_set1_ps(pass.weights[c]);
        for (int part = 0; part < 8; ++part) {
          sums[part] = _mm_add_ps(sums[part], _mm_mul_ps(weight, _mm_load_ps(column + 4 * part)));
        }
      }
      for (int part = 0; part < 8; ++part) {
        _mm_storeu_ps(scores + 32 * half + 4 * part, sums[part]);
        const int mask = _mm_movemask_ps(_mm_cmpge_ps(sums[part], limit));
        reached |= static_cast<uint64_t>(mask) << (32 * half + 4 * part);
      }
    }
    *hits = reached & pass.eligible[block];
    if (*hits != 0) return block;
  }
  return pass.blocks;
}

NextHit WidestNextHit() {
  if (HasAvx512()) return NextHitAvx512;
  if (HasAvx2()) return NextHitAvx2;
  return NextHitBaseline;
}

int AvailableNextHit(NextHit out[3]) {
  int n = 0;
  out[n++] = NextHitBaseline;
  if (HasAvx2()) out[n++] = NextHitAvx2;
  if (HasAvx512()) out[n++] = NextHitAvx512;
  return n;
}

}  // namespace suggest::bandit
