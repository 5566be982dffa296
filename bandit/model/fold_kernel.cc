#include "bandit/model/fold_kernel.h"

#include "bandit/base/widest.h"

namespace suggest::bandit {

// Four rows at a time: out is then read and written a quarter as often.
SUGGEST_WIDEST void AddRows(const double* __restrict table, const double* __restrict factors, int rows, int length,
                            double* __restrict out) {
  int q = 0;
  for (; q + 4 <= rows; q += 4, table += 4L * length) {
    const double f0 = factors[q], f1 = factors[q + 1], f2 = factors[q + 2], f3 = factors[q + 3];
    const double* t1 = table + length;
    const double* t2 = t1 + length;
    const double* t3 = t2 + length;
    for (int k = 0; k < length; ++k) {
      double sum = out[k] + f0 * table[k];
      sum += f1 * t1[k];
      sum += f2 * t2[k];
      sum += f3 * t3[k];
      out[k] = sum;
    }
  }
  for (; q < rows; ++q, table += length) {
    for (int k = 0; k < length; ++k) out[k] += factors[q] * table[k];
  }
}

}  // namespace suggest::bandit
