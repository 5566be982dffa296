#include "bandit/score_kernel.h"

#include <immintrin.h>

#include <cstddef>

namespace suggest::bandit {
namespace {

// Numbers of a pair of columns in a block.
constexpr size_t kPairSize = 2 * static_cast<size_t>(kPanelRows);
// What is read this much later is asked for now; the hardware by itself asks later, and memory is waited for.
// Past the end of the panel nothing is read.
inline const char* Ahead(const int16_t* numbers) {
  return reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(numbers) + 8192);
}

__attribute__((target("avx2"))) int NextHitAvx2(const ScorePass& pass, int begin, int32_t threshold, int32_t* scores,
                                                uint64_t* hits) {
  const __m256i limit = _mm256_set1_epi32(threshold);
  const int16_t* pair = pass.panel + static_cast<size_t>(begin) * pass.pairs * kPairSize;
  for (int block = begin; block < pass.blocks; ++block) {
    if (pass.eligible[block] == 0) {
      pair += static_cast<size_t>(pass.pairs) * kPairSize;
      continue;
    }
    __m256i sums[8];
    for (int part = 0; part < 8; ++part) sums[part] = _mm256_setzero_si256();
    for (int p = 0; p < pass.pairs; ++p, pair += kPairSize) {
      const __m256i weight = _mm256_set1_epi32(pass.weights[p]);
      for (int line = 0; line < 4; ++line) {
        _mm_prefetch(Ahead(pair + 32 * line), _MM_HINT_T0);
      }
      for (int part = 0; part < 8; ++part) {
        const __m256i numbers = _mm256_load_si256(reinterpret_cast<const __m256i*>(pair + 16 * part));
        sums[part] = _mm256_add_epi32(sums[part], _mm256_madd_epi16(weight, numbers));
      }
    }
    uint64_t below = 0;
    for (int part = 0; part < 8; ++part) {
      const __m256i less = _mm256_cmpgt_epi32(limit, sums[part]);
      below |= static_cast<uint64_t>(_mm256_movemask_ps(_mm256_castsi256_ps(less))) << (8 * part);
    }
    const uint64_t reached = ~below & pass.eligible[block];
    if (reached == 0) continue;
    for (int part = 0; part < 8; ++part) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(scores + 8 * part), sums[part]);
    }
    *hits = reached;
    return block;
  }
  return pass.blocks;
}

__attribute__((target("avx512f,avx512bw"))) int NextHitAvx512(const ScorePass& pass, int begin, int32_t threshold,
                                                              int32_t* scores, uint64_t* hits) {
  const __m512i limit = _mm512_set1_epi32(threshold);
  const int16_t* pair = pass.panel + static_cast<size_t>(begin) * pass.pairs * kPairSize;
  for (int block = begin; block < pass.blocks; ++block) {
    if (pass.eligible[block] == 0) {
      pair += static_cast<size_t>(pass.pairs) * kPairSize;
      continue;
    }
    __m512i sums[4];
    for (int part = 0; part < 4; ++part) sums[part] = _mm512_setzero_si512();
    for (int p = 0; p < pass.pairs; ++p, pair += kPairSize) {
      const __m512i weight = _mm512_set1_epi32(pass.weights[p]);
      for (int part = 0; part < 4; ++part) {
        _mm_prefetch(Ahead(pair + 32 * part), _MM_HINT_T0);
        const __m512i numbers = _mm512_load_si512(pair + 32 * part);
        sums[part] = _mm512_add_epi32(sums[part], _mm512_madd_epi16(weight, numbers));
      }
    }
    uint64_t reached = 0;
    for (int part = 0; part < 4; ++part) {
      const __mmask16 mask = _mm512_cmpge_epi32_mask(sums[part], limit);
      reached |= static_cast<uint64_t>(mask) << (16 * part);
    }
    reached &= pass.eligible[block];
    if (reached == 0) continue;
    for (int part = 0; part < 4; ++part) _mm512_storeu_si512(scores + 16 * part, sums[part]);
    *hits = reached;
    return block;
  }
  return pass.blocks;
}

bool HasAvx2() {
  return __builtin_cpu_supports("avx2");
}

bool HasAvx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

}  // namespace

// In two halves of a block: eight of the sixteen registers each.
int NextHitBaseline(const ScorePass& pass, int begin, int32_t threshold, int32_t* scores, uint64_t* hits) {
  const __m128i limit = _mm_set1_epi32(threshold);
  for (int block = begin; block < pass.blocks; ++block) {
    if (pass.eligible[block] == 0) continue;
    uint64_t below = 0;
    for (int half = 0; half < 2; ++half) {
      const int16_t* pair = pass.panel + static_cast<size_t>(block) * pass.pairs * kPairSize + 64 * half;
      __m128i sums[8];
      for (int part = 0; part < 8; ++part) sums[part] = _mm_setzero_si128();
      for (int p = 0; p < pass.pairs; ++p, pair += kPairSize) {
        const __m128i weight = _mm_set1_epi32(pass.weights[p]);
        for (int part = 0; part < 8; ++part) {
          const __m128i numbers = _mm_load_si128(reinterpret_cast<const __m128i*>(pair + 8 * part));
          sums[part] = _mm_add_epi32(sums[part], _mm_madd_epi16(weight, numbers));
        }
      }
      for (int part = 0; part < 8; ++part) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(scores + 32 * half + 4 * part), sums[part]);
        const int mask = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmplt_epi32(sums[part], limit)));
        below |= static_cast<uint64_t>(mask) << (32 * half + 4 * part);
      }
    }
    *hits = ~below & pass.eligible[block];
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
