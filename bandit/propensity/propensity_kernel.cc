#include "bandit/propensity/propensity_kernel.h"

#include "bandit/base/vectors.h"
#include "bandit/base/widest.h"

namespace suggest::bandit {
namespace {

constexpr float kFar = 13.0f;
constexpr float kSmallest = 1.2e-38f;  // what is smaller may have lost digits
constexpr float kMills[] = {0.11960878223180771f,  0.12107359617948532f, 0.09789039194583893f,  0.13531836867332458f,
                            -0.06658454239368439f, 0.2204895168542862f,  -0.16546674072742462f, 0.03767065703868866f};
constexpr int kMillsTerms = sizeof(kMills) / sizeof(kMills[0]);

using HalfFloats = float __attribute__((vector_size(32)));

SUGGEST_INLINED void Tails(const Floats* x, Floats* tails) {
  constexpr float kRound = 0x1.8p23f;  // adding it leaves a whole number in the low bits
  Floats a = *x < 0.0f ? -*x : *x;
  a = a < kFar ? a : Floats{} + kFar;
  const Floats t = 1.0f / (1.0f + 0.3f * a);
  Floats mills = Floats{} + kMills[kMillsTerms - 1];
  for (int k = kMillsTerms - 2; k >= 0; --k) mills = mills * t + kMills[k];
  // e^y = 2^k e^r with |r| <= log(2) / 2, and the Taylor polynomial of e^r to degree 6.
  const Floats y = -0.5f * a * a;
  const Floats shifted = y * 1.44269504f + kRound;
  const Floats k = shifted - kRound;
  const Floats r = (y - k * 0.693145752f) - k * 1.42860677e-06f;
  Floats e = Floats{} + 1.0f / 720;
  e = e * r + 1.0f / 120;
  e = e * r + 1.0f / 24;
  e = e * r + 1.0f / 6;
  e = e * r + 0.5f;
  e = e * r + 1.0f;
  e = e * r + 1.0f;
  const Ints power = (reinterpret_cast<Ints>(shifted) + 127) << 23;
  *tails = reinterpret_cast<Floats>(power) * (e * (mills * t));
}

}  // namespace

// Four rows at a time: a sum waits for its last addition.
SUGGEST_WIDEST void ScoreLanes(const float* __restrict rows, int n, int cols, const float* __restrict w,
                               float* __restrict out) {
  int k = 0;
  for (; k + 4 <= n; k += 4, rows += 4L * cols) {
    Floats a = {}, b = {}, c = {}, d = {};
    for (int col = 0; col < cols; ++col) {
      const Floats weight = *At(w, col);
      a += weight * rows[col];
      b += weight * rows[cols + col];
      c += weight * rows[2L * cols + col];
      d += weight * rows[3L * cols + col];
    }
    *At(out, k) = a;
    *At(out, k + 1) = b;
    *At(out, k + 2) = c;
    *At(out, k + 3) = d;
  }
  for (; k < n; ++k, rows += cols) {
    Floats sum = {};
    for (int col = 0; col < cols; ++col) sum += *At(w, col) * rows[col];
    *At(out, k) = sum;
  }
}

SUGGEST_WIDEST void GapsAndGains(const double* __restrict covariances, int n, double variance, double sd,
                                 double* __restrict gaps, float* __restrict gains) {
  constexpr int kWide = sizeof(Doubles) / sizeof(double);
  for (int begin = 0; begin < n; begin += kWide) {
    const int lanes = n - begin < kWide ? n - begin : kWide;
    Doubles covariance = {};
    __builtin_memcpy(&covariance, covariances + begin, sizeof(double) * lanes);
    const Doubles gap = 1.0 - covariance / variance;
    const auto gain = __builtin_convertvector(1.0 / (gap * sd), HalfFloats);
    __builtin_memcpy(gaps + begin, &gap, sizeof(double) * lanes);
    __builtin_memcpy(gains + begin, &gain, sizeof(float) * lanes);
  }
}

SUGGEST_WIDEST void NormalTails(const float* x, int n, float* tails) {
  for (int begin = 0; begin < n; begin += kVectorLanes) {
    const int lanes = n - begin < kVectorLanes ? n - begin : kVectorLanes;
    Floats at = {}, tail;
    __builtin_memcpy(&at, x + begin, sizeof(float) * lanes);
    Tails(&at, &tail);
    __builtin_memcpy(tails + begin, &tail, sizeof(float) * lanes);
  }
}

SUGGEST_WIDEST void Survivals(const float* x, int n, bool negated, float* survivals) {
  const Floats none = {}, one = none + 1.0f;
  for (int i = 0; i < n / kVectorLanes; ++i) {
    const Floats at = *At(x, i);
    const Ints near = at > -kFar;
    if (!Any(&near)) {
      *At(survivals, i) = negated ? none : one;
      continue;
    }
    Floats tail;
    Tails(&at, &tail);
    tail = tail > kSmallest ? tail : none;
    const Floats rest = one - tail;
    if (negated) {
      *At(survivals, i) = at > 0.0f ? rest : tail;
    } else {
      *At(survivals, i) = at > 0.0f ? tail : rest;
    }
  }
}

SUGGEST_WIDEST void AddRankMass(const float* __restrict falls, const float* __restrict rises, int rank,
                                float* __restrict mass) {
  Floats sum = *At(mass, 0);
  for (int i = 0; i <= rank; ++i) {
    Floats from = *At(falls, i), to = *At(rises, rank - i);
    if (i < rank) from = from < *At(rises, rank - i - 1) ? from : *At(rises, rank - i - 1);
    if (i > 0) to = to > *At(falls, i - 1) ? to : *At(falls, i - 1);
    sum += from > to ? from - to : Floats{};
  }
  *At(mass, 0) = sum;
}

SUGGEST_WIDEST void AddSlateMass(const float* __restrict falls, const float* __restrict rises, int slate,
                                 float* __restrict mass) {
  Floats sum = *At(mass, 0);
  for (int i = 0; i < slate; ++i) {
    const Floats from = *At(falls, i);
    Floats to = *At(rises, slate - i - 1);
    if (i > 0) to = to > *At(falls, i - 1) ? to : *At(falls, i - 1);
    sum += from > to ? from - to : Floats{};
  }
  *At(mass, 0) = sum;
}

}  // namespace suggest::bandit
