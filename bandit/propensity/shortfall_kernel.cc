#include "bandit/propensity/shortfall_kernel.h"

#include "bandit/base/vectors.h"
#include "bandit/base/widest.h"
#include "bandit/choose/score_kernel.h"

namespace suggest::bandit {

SUGGEST_WIDEST void SquaredShortfalls(const float* __restrict block, const CutForm& cut, float* __restrict scratch,
                                      float* __restrict squares) {
  FloatsAt* const d = reinterpret_cast<FloatsAt*>(scratch);
  for (int lane = 0; lane < kPanelRows; lane += kVectorLanes) {
    Floats gap = Floats{} + cut.mean;
    Floats common = {};
    for (int c = 0; c < cut.cols; ++c) {
      const Floats own = *reinterpret_cast<const FloatsAt*>(block + c * kPanelRows + lane) - cut.leaders[c];
      gap -= own * cut.w_mean[c];
      common += own * cut.with_cut[c];
      d[c] = own;
    }
    Floats own = Floats{} + cut.own_constant;
    const float* factor = cut.factor;
    for (int i = 0; i < cut.cols; ++i) {
      Floats part = Floats{} + cut.offsets[i];
      for (int j = i; j < cut.cols; ++j) part += d[j] * *factor++;
      own += part * part;
    }
    const Floats spread = own + cut.variance - 2.0f * common;
    const Floats least = 1e-6f * own;
    const Floats square = gap * gap / (spread > least ? spread : least);
    *reinterpret_cast<FloatsAt*>(squares + lane) = gap > 0.0f ? square : Floats{};
  }
}

}  // namespace suggest::bandit
