#include "bandit/choose/score_kernel.h"

#include <immintrin.h>

#include <cstddef>

#include "bandit/base/vector_width.h"

namespace suggest::bandit {
namespace {

// Bytes of four columns in a block.
constexpr size_t kFourSize = 4 * static_cast<size_t>(kPanelRows);
// What is read this much later is asked for now; the hardware by itself asks later, and memory is waited for.
// Past the end of the panel nothing is read.
inline const char* Ahead(const uint8_t* bytes) {
  return reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(bytes) + 8192);
}

// Of each candidate's four bytes the first and the third make two 16-bit numbers when the others are masked out, the
// second and the fourth when they are shifted down: products of pairs then add up in the candidate's 32 bits.
__attribute__((target("avx2"))) int NextHitAvx2(const ScorePass& pass, int begin, int32_t threshold, int32_t* scores,
                                                uint64_t* hits) {
  const __m256i limit = _mm256_set1_epi32(threshold);
  const __m256i low_bytes = _mm256_set1_epi16(0xff);
  const uint8_t* four = pass.panel + static_cast<size_t>(begin) * pass.fours * kFourSize;
  for (int block = begin; block < pass.blocks; ++block) {
    if (pass.eligible[block] == 0) {
      four += static_cast<size_t>(pass.fours) * kFourSize;
      continue;
    }
    __m256i sums[8];
    for (int part = 0; part < 8; ++part) sums[part] = _mm256_setzero_si256();
    for (int f = 0; f < pass.fours; ++f, four += kFourSize) {
      const __m256i even = _mm256_set1_epi32(static_cast<int>(pass.weights[f].even));
      const __m256i odd = _mm256_set1_epi32(static_cast<int>(pass.weights[f].odd));
      for (int line = 0; line < 4; ++line) _mm_prefetch(Ahead(four + 64 * line), _MM_HINT_T0);
      for (int part = 0; part < 8; ++part) {
        const __m256i bytes = _mm256_load_si256(reinterpret_cast<const __m256i*>(four + 32 * part));
        const __m256i evens = _mm256_madd_epi16(even, _mm256_and_si256(bytes, low_bytes));
        const __m256i odds = _mm256_madd_epi16(odd, _mm256_srli_epi16(bytes, 8));
        sums[part] = _mm256_add_epi32(sums[part], _mm256_add_epi32(evens, odds));
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

// Candidates of a block whose high digits alone, with the most that low digits can add, reach the threshold.
__attribute__((target("avx512f,avx512vnni"))) inline uint64_t MayReach(const uint8_t* four, const ScorePass& pass,
                                                                       __m512i high_limit, __m512i* highs) {
  for (int part = 0; part < 4; ++part) highs[part] = _mm512_setzero_si512();
  for (int f = 0; f < pass.fours; ++f, four += kFourSize) {
    const __m512i high = _mm512_set1_epi32(static_cast<int>(pass.weights[f].high));
    for (int part = 0; part < 4; ++part) {
      _mm_prefetch(Ahead(four + 64 * part), _MM_HINT_T0);
      highs[part] = _mm512_dpbusd_epi32(highs[part], _mm512_load_si512(four + 64 * part), high);
    }
  }
  uint64_t reached = 0;
  for (int part = 0; part < 4; ++part) {
    reached |= static_cast<uint64_t>(_mm512_cmpge_epi32_mask(highs[part], high_limit)) << (16 * part);
  }
  return reached;
}

// The least sum of the high digits with which a candidate can reach the threshold.
int32_t HighLimit(const ScorePass& pass, int32_t threshold) {
  return static_cast<int32_t>((int64_t{threshold} - pass.most_low + 255) >> 8);
}

// Four products of unsigned and signed bytes are added in one instruction; digits of the weights for themselves, the
// low ones only where the high ones leave it open. A threshold that few reach makes that rare.
__attribute__((target("avx512f,avx512vnni"))) int NextHitVnni(const ScorePass& pass, int begin, int32_t threshold,
                                                              int32_t* scores, uint64_t* hits) {
  const __m512i limit = _mm512_set1_epi32(threshold);
  const __m512i high_limit = _mm512_set1_epi32(HighLimit(pass, threshold));
  const size_t block_size = static_cast<size_t>(pass.fours) * kFourSize;
  const uint8_t* four = pass.panel + static_cast<size_t>(begin) * block_size;
  for (int block = begin; block < pass.blocks; ++block, four += block_size) {
    if (pass.eligible[block] == 0) continue;
    __m512i sums[4];
    if ((MayReach(four, pass, high_limit, sums) & pass.eligible[block]) == 0) continue;
    for (int part = 0; part < 4; ++part) sums[part] = _mm512_maskz_slli_epi32(0xffff, sums[part], 8);
    for (int f = 0; f < pass.fours; ++f) {
      const __m512i low = _mm512_set1_epi32(static_cast<int>(pass.weights[f].low));
      for (int part = 0; part < 4; ++part) {
        const __m512i bytes = _mm512_load_si512(four + f * kFourSize + 64 * part);
        sums[part] = _mm512_dpbusd_epi32(sums[part], bytes, low);
      }
    }
    uint64_t reached = 0;
    for (int part = 0; part < 4; ++part) {
      reached |= static_cast<uint64_t>(_mm512_cmpge_epi32_mask(sums[part], limit)) << (16 * part);
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
  return VectorBytes() >= 32;
}

bool HasVnni() {
  return VectorBytes() == 64 && __builtin_cpu_supports("avx512vnni");
}

}  // namespace

// In two halves of a block: eight of the sixteen registers each.
int NextHitBaseline(const ScorePass& pass, int begin, int32_t threshold, int32_t* scores, uint64_t* hits) {
  const __m128i limit = _mm_set1_epi32(threshold);
  const __m128i low_bytes = _mm_set1_epi16(0xff);
  for (int block = begin; block < pass.blocks; ++block) {
    if (pass.eligible[block] == 0) continue;
    uint64_t below = 0;
    for (int half = 0; half < 2; ++half) {
      const uint8_t* four = pass.panel + static_cast<size_t>(block) * pass.fours * kFourSize + 128 * half;
      __m128i sums[8];
      for (int part = 0; part < 8; ++part) sums[part] = _mm_setzero_si128();
      for (int f = 0; f < pass.fours; ++f, four += kFourSize) {
        const __m128i even = _mm_set1_epi32(static_cast<int>(pass.weights[f].even));
        const __m128i odd = _mm_set1_epi32(static_cast<int>(pass.weights[f].odd));
        for (int part = 0; part < 8; ++part) {
          const __m128i bytes = _mm_load_si128(reinterpret_cast<const __m128i*>(four + 16 * part));
          const __m128i evens = _mm_madd_epi16(even, _mm_and_si128(bytes, low_bytes));
          const __m128i odds = _mm_madd_epi16(odd, _mm_srli_epi16(bytes, 8));
          sums[part] = _mm_add_epi32(sums[part], _mm_add_epi32(evens, odds));
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
  if (HasVnni()) return NextHitVnni;
  if (HasAvx2()) return NextHitAvx2;
  return NextHitBaseline;
}

int AvailableNextHit(NextHit out[3]) {
  int n = 0;
  out[n++] = NextHitBaseline;
  if (HasAvx2()) out[n++] = NextHitAvx2;
  if (HasVnni()) out[n++] = NextHitVnni;
  return n;
}

}  // namespace suggest::bandit
