#include "bandit/model/fold_kernel.h"

#include <immintrin.h>

#define SUGGEST_KERNEL "bandit/model/fold_kernel.inc"
#include "bandit/base/each_width.inc"

namespace suggest::bandit {

void AddRows(const double* table, const double* factors, int rows, int length, double* out) {
  static const auto widest = SUGGEST_WIDEST(AddRows);
  widest(table, factors, rows, length, out);
}

}  // namespace suggest::bandit
