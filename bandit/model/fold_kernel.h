// The streaming pass behind FoldedPosterior. No Eigen and no templates here or in the source: a wide copy of an inline
// function must not be kept for everyone.
#ifndef BANDIT_MODEL_FOLD_KERNEL_H_
#define BANDIT_MODEL_FOLD_KERNEL_H_

namespace suggest::bandit {

// out[k] += sum_q factors[q] table[q length + k], each sum in the order of q: the same bits for every vector width.
void AddRows(const double* table, const double* factors, int rows, int length, double* out);

}  // namespace suggest::bandit

#endif  // BANDIT_MODEL_FOLD_KERNEL_H_
