#include "bandit/propensity/breakpoint_kernel.h"

#include <immintrin.h>

#include "bandit/base/vectors.h"
#include "bandit/base/widest.h"

namespace suggest::bandit {
namespace {

constexpr int kMostKept = 12;  // that registers have room for

// Puts x among the `keep` largest; a constant where this is inlined, so that they stay in registers.
SUGGEST_INLINED void Insert(const Floats* x, const int keep, Floats* best) {
#pragma GCC unroll 12
  for (int place = keep - 1; place > 0; --place) {
    const Floats lower = *x < best[place - 1] ? *x : best[place - 1];
    best[place] = best[place] > lower ? best[place] : lower;
  }
  best[0] = best[0] > *x ? best[0] : *x;
}

// `keep` as for Insert.
SUGGEST_INLINED void Offer(const float* __restrict scores, const int* __restrict index, const float* __restrict gain,
                           int count, const float* __restrict own, const float* __restrict own_x, const int keep,
                           float* __restrict largest) {
  const Floats own_score = *At(own, 0), own_point = *At(own_x, 0);
  Floats best[kMostKept];
#pragma GCC unroll 12
  for (int place = 0; place < keep; ++place) best[place] = *At(largest, place);
  for (int i = 0; i < count; ++i) {
    const Floats x = own_point + (*At(scores, index[i]) - own_score) * gain[i];
    const Ints enters = x > best[keep - 1];
    if (Any(&enters)) Insert(&x, keep, best);
  }
#pragma GCC unroll 12
  for (int place = 0; place < keep; ++place) *At(largest, place) = best[place];
}

// The same for any `keep`, in memory.
SUGGEST_INLINED void OfferMany(const float* __restrict scores, const int* __restrict index,
                               const float* __restrict gain, int count, const float* __restrict own,
                               const float* __restrict own_x, int keep, float* __restrict largest) {
  const Floats own_score = *At(own, 0), own_point = *At(own_x, 0);
  for (int i = 0; i < count; ++i) {
    const Floats x = own_point + (*At(scores, index[i]) - own_score) * gain[i];
    const Ints enters = x > *At(largest, keep - 1);
    if (!Any(&enters)) continue;
    for (int place = keep - 1; place > 0; --place) {
      const Floats above = *At(largest, place - 1), best = *At(largest, place);
      const Floats lower = x < above ? x : above;
      *At(largest, place) = best > lower ? best : lower;
    }
    const Floats best = *At(largest, 0);
    *At(largest, 0) = best > x ? best : x;
  }
}

#define SUGGEST_AVX512 __attribute__((target("avx512f")))

SUGGEST_AVX512 SUGGEST_INLINED int Above(const Floats* x, const Floats* limit) {
  return _mm512_cmp_ps_mask(reinterpret_cast<__m512>(*x), reinterpret_cast<__m512>(*limit), _CMP_GT_OQ);
}

// As Offer, with masks in registers of their own and four at a time: one branch for them where none enters, as with
// most. Without such registers it is not faster, and most of these would not stay in any.
SUGGEST_AVX512 SUGGEST_INLINED void OfferAvx512(const float* __restrict scores, const int* __restrict index,
                                                const float* __restrict gain, int count, const float* __restrict own,
                                                const float* __restrict own_x, const int keep,
                                                float* __restrict largest) {
  const Floats own_score = *At(own, 0), own_point = *At(own_x, 0);
  Floats best[kMostKept];
#pragma GCC unroll 12
  for (int place = 0; place < keep; ++place) best[place] = *At(largest, place);
  int i = 0;
  for (; i + 4 <= count; i += 4) {
    const Floats a = own_point + (*At(scores, index[i]) - own_score) * gain[i];
    const Floats b = own_point + (*At(scores, index[i + 1]) - own_score) * gain[i + 1];
    const Floats c = own_point + (*At(scores, index[i + 2]) - own_score) * gain[i + 2];
    const Floats d = own_point + (*At(scores, index[i + 3]) - own_score) * gain[i + 3];
    const int a_enters = Above(&a, &best[keep - 1]), b_enters = Above(&b, &best[keep - 1]),
              c_enters = Above(&c, &best[keep - 1]), d_enters = Above(&d, &best[keep - 1]);
    if ((a_enters | b_enters | c_enters | d_enters) == 0) continue;
    if (a_enters != 0) Insert(&a, keep, best);
    if (b_enters != 0) Insert(&b, keep, best);
    if (c_enters != 0) Insert(&c, keep, best);
    if (d_enters != 0) Insert(&d, keep, best);
  }
  for (; i < count; ++i) {
    const Floats x = own_point + (*At(scores, index[i]) - own_score) * gain[i];
    if (Above(&x, &best[keep - 1]) != 0) Insert(&x, keep, best);
  }
#pragma GCC unroll 12
  for (int place = 0; place < keep; ++place) *At(largest, place) = best[place];
}

// Calls `offer` with a constant `keep`, where registers have room for so many.
#define SUGGEST_KEEP(n, offer) \
  case n:                      \
    return offer(scores, index, gain, count, own, own_x, n, largest)
#define SUGGEST_KEEP_FEW(offer) \
  switch (keep) {               \
    SUGGEST_KEEP(1, offer);     \
    SUGGEST_KEEP(2, offer);     \
    SUGGEST_KEEP(3, offer);     \
    SUGGEST_KEEP(4, offer);     \
    SUGGEST_KEEP(5, offer);     \
    SUGGEST_KEEP(6, offer);     \
    SUGGEST_KEEP(7, offer);     \
    SUGGEST_KEEP(8, offer);     \
    SUGGEST_KEEP(9, offer);     \
    SUGGEST_KEEP(10, offer);    \
    SUGGEST_KEEP(11, offer);    \
    SUGGEST_KEEP(12, offer);    \
  }

SUGGEST_WIDEST void OfferBaseline(const float* __restrict scores, const int* __restrict index,
                                  const float* __restrict gain, int count, const float* __restrict own,
                                  const float* __restrict own_x, int keep, float* __restrict largest) {
  SUGGEST_KEEP_FEW(Offer)
  OfferMany(scores, index, gain, count, own, own_x, keep, largest);
}

SUGGEST_AVX512 void OfferWithAvx512(const float* __restrict scores, const int* __restrict index,
                                    const float* __restrict gain, int count, const float* __restrict own,
                                    const float* __restrict own_x, int keep, float* __restrict largest) {
  SUGGEST_KEEP_FEW(OfferAvx512)
  OfferMany(scores, index, gain, count, own, own_x, keep, largest);
}

#undef SUGGEST_KEEP_FEW
#undef SUGGEST_KEEP

bool HasAvx512() {
  return __builtin_cpu_supports("avx512f");
}

}  // namespace

void OfferBreakpoints(const float* scores, const int* index, const float* gain, int count, const float* own,
                      const float* own_x, int keep, float* largest) {
  static const Offering widest = HasAvx512() ? OfferWithAvx512 : OfferBaseline;
  widest(scores, index, gain, count, own, own_x, keep, largest);
}

int AvailableOfferings(Offering out[2]) {
  int n = 0;
  out[n++] = OfferBaseline;
  if (HasAvx512()) out[n++] = OfferWithAvx512;
  return n;
}

}  // namespace suggest::bandit
