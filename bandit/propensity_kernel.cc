#include "bandit/propensity_kernel.h"

#include "bandit/base/widest.h"

// Loops over kLanes are what the compiler turns into vectors.
#define SUGGEST_INLINED static inline __attribute__((always_inline))

namespace suggest::bandit {
namespace {

constexpr float kFar = 13.0f;
constexpr float kMills[] = {0.11960878223180771f,  0.12107359617948532f, 0.09789039194583893f,  0.13531836867332458f,
                            -0.06658454239368439f, 0.2204895168542862f,  -0.16546674072742462f, 0.03767065703868866f};
constexpr int kMillsTerms = sizeof(kMills) / sizeof(kMills[0]);

SUGGEST_INLINED void Tails(const float* __restrict x, int n, float* __restrict tails) {
  constexpr float kRound = 0x1.8p23f;  // adding it leaves a whole number in the low bits
  for (int i = 0; i < n; ++i) {
    float a = x[i] < 0.0f ? -x[i] : x[i];
    a = a < kFar ? a : kFar;
    const float t = 1.0f / (1.0f + 0.3f * a);
    float mills = kMills[kMillsTerms - 1];
    for (int k = kMillsTerms - 2; k >= 0; --k) mills = mills * t + kMills[k];
    // e^y = 2^k e^r with |r| <= log(2) / 2, and the Taylor polynomial of e^r to degree 6.
    const float y = -0.5f * a * a;
    const float shifted = y * 1.44269504f + kRound;
    const float k = shifted - kRound;
    const float r = (y - k * 0.693145752f) - k * 1.42860677e-06f;
    float e = 1.0f / 720;
    e = e * r + 1.0f / 120;
    e = e * r + 1.0f / 24;
    e = e * r + 1.0f / 6;
    e = e * r + 0.5f;
    e = e * r + 1.0f;
    e = e * r + 1.0f;
    const int power = (__builtin_bit_cast(int, shifted) + 127) << 23;
    tails[i] = __builtin_bit_cast(float, power) * (e * (mills * t));
  }
}

}  // namespace

SUGGEST_WIDEST void AddSquares(const double* __restrict x, int n, double* __restrict squares) {
  for (int k = 0; k < n; ++k) squares[k] += x[k] * x[k];
}

SUGGEST_WIDEST void ScoreLanes(const float* __restrict rows, int n, int cols, const float* __restrict w,
                               float* __restrict out) {
  for (int k = 0; k < n; ++k, rows += cols) {
    float sums[kLanes] = {};
    for (int c = 0; c < cols; ++c) {
      const float z = rows[c];
      for (int lane = 0; lane < kLanes; ++lane) sums[lane] += z * w[c * kLanes + lane];
    }
    for (int lane = 0; lane < kLanes; ++lane) out[k * kLanes + lane] = sums[lane];
  }
}

SUGGEST_WIDEST void OfferBreakpoints(const float* __restrict scores, const int* __restrict index,
                                     const float* __restrict gain, int count, const float* __restrict own,
                                     const float* __restrict own_x, int keep, float* __restrict largest) {
  const float* last = largest + (keep - 1) * kLanes;
  for (int i = 0; i < count; ++i) {
    const float* score = scores + static_cast<long>(index[i]) * kLanes;
    const float g = gain[i];
    float x[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) x[lane] = own_x[lane] + (score[lane] - own[lane]) * g;
    int enters = 0;
    for (int lane = 0; lane < kLanes; ++lane) enters |= x[lane] > last[lane];
    if (enters == 0) continue;
    for (int place = keep - 1; place > 0; --place) {
      float* best = largest + place * kLanes;
      for (int lane = 0; lane < kLanes; ++lane) {
        const float above = best[lane - kLanes];
        const float lower = x[lane] < above ? x[lane] : above;
        best[lane] = best[lane] > lower ? best[lane] : lower;
      }
    }
    for (int lane = 0; lane < kLanes; ++lane) largest[lane] = largest[lane] > x[lane] ? largest[lane] : x[lane];
  }
}

SUGGEST_WIDEST void NormalTails(const float* x, int n, float* tails) {
  Tails(x, n, tails);
}

SUGGEST_WIDEST void Survivals(const float* x, int n, bool negated, float* survivals) {
  for (int begin = 0; begin < n; begin += kLanes) {
    const float* at = x + begin;
    float* out = survivals + begin;
    int any = 0;
    for (int lane = 0; lane < kLanes; ++lane) any |= at[lane] > -kFar;
    if (any == 0) {
      for (int lane = 0; lane < kLanes; ++lane) out[lane] = negated ? 0.0f : 1.0f;
      continue;
    }
    float tails[kLanes];
    Tails(at, kLanes, tails);
    for (int lane = 0; lane < kLanes; ++lane) {
      const float tail = at[lane] > kFar || at[lane] < -kFar ? 0.0f : tails[lane];
      const float rest = 1.0f - tail;
      out[lane] = (at[lane] > 0.0f) != negated ? tail : rest;
    }
  }
}

SUGGEST_WIDEST void AddRankMass(const float* __restrict falls, const float* __restrict rises, int rank,
                                float* __restrict mass) {
  for (int i = 0; i <= rank; ++i) {
    float from[kLanes], to[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) from[lane] = falls[i * kLanes + lane];
    for (int lane = 0; lane < kLanes; ++lane) to[lane] = rises[(rank - i) * kLanes + lane];
    if (i < rank) {
      const float* below = rises + (rank - i - 1) * kLanes;
      for (int lane = 0; lane < kLanes; ++lane) from[lane] = from[lane] < below[lane] ? from[lane] : below[lane];
    }
    if (i > 0) {
      const float* above = falls + (i - 1) * kLanes;
      for (int lane = 0; lane < kLanes; ++lane) to[lane] = to[lane] > above[lane] ? to[lane] : above[lane];
    }
    for (int lane = 0; lane < kLanes; ++lane) mass[lane] += from[lane] > to[lane] ? from[lane] - to[lane] : 0.0f;
  }
}

SUGGEST_WIDEST void AddSlateMass(const float* __restrict falls, const float* __restrict rises, int slate,
                                 float* __restrict mass) {
  for (int i = 0; i < slate; ++i) {
    const float* from = falls + i * kLanes;
    float to[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) to[lane] = rises[(slate - i - 1) * kLanes + lane];
    if (i > 0) {
      const float* above = falls + (i - 1) * kLanes;
      for (int lane = 0; lane < kLanes; ++lane) to[lane] = to[lane] > above[lane] ? to[lane] : above[lane];
    }
    for (int lane = 0; lane < kLanes; ++lane) mass[lane] += from[lane] > to[lane] ? from[lane] - to[lane] : 0.0f;
  }
}

}  // namespace suggest::bandit
