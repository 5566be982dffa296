// Single-precision scores of panel blocks: the kernels that *select*. Their bits depend on the machine; what is served
// never does, since every candidate within a proven rounding bound of the best is scored again in double.
//
// No Eigen and no templates here or in the source: a wide copy of an inline function must not be kept for everyone.
#ifndef BANDIT_SCORE_KERNEL_H_
#define BANDIT_SCORE_KERNEL_H_

namespace suggest::bandit {

// Candidates per block of the panel; one AVX-512 register of floats.
inline constexpr int kPanelRows = 16;

// out[block * kPanelRows + lane] = sum_c weights[c] * panel[(block * cols + c) * kPanelRows + lane], summed over c in
// ascending order, with or without fused multiply-add.
using ScoreBlocks = void (*)(const float* panel, int cols, const float* weights, int blocks, float* out);

void ScoreBlocksBaseline(const float* panel, int cols, const float* weights, int blocks, float* out);

// The widest kernel that this machine has.
ScoreBlocks WidestScoreBlocks();

// Every kernel that this machine can run, the baseline first; for tests. Returns how many, at most 3.
int AvailableScoreBlocks(ScoreBlocks out[3]);

}  // namespace suggest::bandit

#endif  // BANDIT_SCORE_KERNEL_H_
