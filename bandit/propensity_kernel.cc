#include "bandit/propensity_kernel.h"

// Loops over kLanes are what the compiler turns into vectors.
#define SUGGEST_WIDEST __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#define SUGGEST_INLINED static inline __attribute__((always_inline))

namespace suggest::bandit {
namespace {

constexpr double kMills[] = {0.11968258211948,      0.11968731884011022, 0.10882167290890682,  0.08834378697472597,
                             0.051274915166043177,  0.0570035403351536,  -0.09447063290290252, 0.18829696826022205,
                             -0.3022295627794267,   0.2516722974861153,  -0.1092461259282126,  0.022638534343223483,
                             -0.0014752947593228089};
constexpr int kMillsTerms = sizeof(kMills) / sizeof(kMills[0]);

SUGGEST_INLINED void Tails(const double* __restrict x, int n, double* __restrict tails) {
  constexpr double kRound = 0x1.8p52;  // adding it leaves a whole number in the low bits
  for (int i = 0; i < n; ++i) {
    double a = x[i] < 0.0 ? -x[i] : x[i];
    a = a < 37.0 ? a : 37.0;
    const double t = 1.0 / (1.0 + 0.3 * a);
    double mills = kMills[kMillsTerms - 1];
    for (int k = kMillsTerms - 2; k >= 0; --k) mills = mills * t + kMills[k];
    // e^y = 2^k e^r with |r| <= log(2) / 2, and the Taylor polynomial of e^r to degree 9.
    const double y = -0.5 * a * a;
    const double shifted = y * 1.4426950408889634 + kRound;
    const double k = shifted - kRound;
    const double r = (y - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
    double e = 1.0 / 362880;
    e = e * r + 1.0 / 40320;
    e = e * r + 1.0 / 5040;
    e = e * r + 1.0 / 720;
    e = e * r + 1.0 / 120;
    e = e * r + 1.0 / 24;
    e = e * r + 1.0 / 6;
    e = e * r + 0.5;
    e = e * r + 1.0;
    e = e * r + 1.0;
    const long long power = (__builtin_bit_cast(long long, shifted) + 1023) << 52;
    tails[i] = __builtin_bit_cast(double, power) * (e * (mills * t));
  }
}

// mass[lane] += P(lo < N(0, 1) < hi) where lo < hi.
SUGGEST_INLINED void AddMasses(const double* lo, const double* hi, double* mass) {
  long long any = 0;
  for (int lane = 0; lane < kLanes; ++lane) any |= lo[lane] < hi[lane];
  if (any == 0) return;
  double below[kLanes], above[kLanes];
  Tails(lo, kLanes, below);
  Tails(hi, kLanes, above);
  for (int lane = 0; lane < kLanes; ++lane) {
    const double right = below[lane] - above[lane];
    const double left = above[lane] - below[lane];
    const double across = 1.0 - below[lane] - above[lane];
    double p = lo[lane] > 0.0 ? right : (hi[lane] <= 0.0 ? left : across);
    p = p > 0.0 ? p : 0.0;
    mass[lane] += lo[lane] < hi[lane] ? p : 0.0;
  }
}

}  // namespace

SUGGEST_WIDEST void AddSquares(const double* __restrict x, int n, double* __restrict squares) {
  for (int k = 0; k < n; ++k) squares[k] += x[k] * x[k];
}

SUGGEST_WIDEST void ScoreLanes(const double* __restrict rows, int n, int cols, const double* __restrict w,
                               double* __restrict out) {
  for (int k = 0; k < n; ++k, rows += cols) {
    double sums[kLanes] = {};
    for (int c = 0; c < cols; ++c) {
      const double z = rows[c];
      for (int lane = 0; lane < kLanes; ++lane) sums[lane] += z * w[c * kLanes + lane];
    }
    for (int lane = 0; lane < kLanes; ++lane) out[k * kLanes + lane] = sums[lane];
  }
}

SUGGEST_WIDEST void OfferBreakpoints(const double* __restrict scores, const int* __restrict index,
                                     const double* __restrict gain, int count, const double* __restrict own,
                                     const double* __restrict own_x, int keep, double* __restrict largest) {
  const double* last = largest + (keep - 1) * kLanes;
  for (int i = 0; i < count; ++i) {
    const double* score = scores + static_cast<long>(index[i]) * kLanes;
    const double g = gain[i];
    double x[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) x[lane] = own_x[lane] + (score[lane] - own[lane]) * g;
    long long enters = 0;
    for (int lane = 0; lane < kLanes; ++lane) enters |= x[lane] > last[lane];
    if (enters == 0) continue;
    for (int place = 0; place < keep; ++place) {
      double* best = largest + place * kLanes;
      for (int lane = 0; lane < kLanes; ++lane) {
        const double larger = best[lane] > x[lane] ? best[lane] : x[lane];
        x[lane] = best[lane] > x[lane] ? x[lane] : best[lane];
        best[lane] = larger;
      }
    }
  }
}

SUGGEST_WIDEST void NormalTails(const double* x, int n, double* tails) {
  Tails(x, n, tails);
}

SUGGEST_WIDEST void AddRankMass(const double* __restrict falls, const double* __restrict rises, int rank,
                                double* __restrict mass) {
  for (int i = 0; i <= rank; ++i) {
    double lo[kLanes], hi[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) lo[lane] = falls[i * kLanes + lane];
    for (int lane = 0; lane < kLanes; ++lane) hi[lane] = -rises[(rank - i) * kLanes + lane];
    if (i < rank) {
      const double* below = rises + (rank - i - 1) * kLanes;
      for (int lane = 0; lane < kLanes; ++lane) lo[lane] = lo[lane] > -below[lane] ? lo[lane] : -below[lane];
    }
    if (i > 0) {
      const double* above = falls + (i - 1) * kLanes;
      for (int lane = 0; lane < kLanes; ++lane) hi[lane] = hi[lane] < above[lane] ? hi[lane] : above[lane];
    }
    AddMasses(lo, hi, mass);
  }
}

SUGGEST_WIDEST void AddSlateMass(const double* __restrict falls, const double* __restrict rises, int slate,
                                 double* __restrict mass) {
  for (int i = 0; i < slate; ++i) {
    double hi[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) hi[lane] = -rises[(slate - i - 1) * kLanes + lane];
    if (i > 0) {
      const double* above = falls + (i - 1) * kLanes;
      for (int lane = 0; lane < kLanes; ++lane) hi[lane] = hi[lane] < above[lane] ? hi[lane] : above[lane];
    }
    AddMasses(falls + i * kLanes, hi, mass);
  }
}

}  // namespace suggest::bandit
