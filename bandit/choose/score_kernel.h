// Whole-number scores of a whole catalogue (coarse_panel.h) and their comparison with a threshold, in one pass: the
// kernels that *select*. What they add up is exact, so they differ in nothing but speed; every candidate within a
// proven bound of the best is scored again in double.
//
// Scores of a block live in registers; only a block in which an eligible candidate reaches the threshold is written
// out and handed to the caller, who may then raise the threshold. So the pass reads the panel once and writes nothing
// but the few blocks that matter.
//
// No Eigen and no templates here or in the source: a wide copy of an inline function must not be kept for everyone.
#ifndef BANDIT_CHOOSE_SCORE_KERNEL_H_
#define BANDIT_CHOOSE_SCORE_KERNEL_H_

#include <cstdint>

namespace suggest::bandit {

// Candidates per block of the panel: one word of the eligibility mask, four AVX-512 registers of 32-bit numbers.
inline constexpr int kPanelRows = 64;

// The weights of four columns, as the kernels multiply them: pairs of 16-bit numbers, the earlier column in the low
// half, or 8-bit digits to the base 256, the first column in the lowest byte.
struct FourWeights {
  uint32_t even = 0;  // columns 0 and 2
  uint32_t odd = 0;   // columns 1 and 3
  uint32_t high = 0;
  uint32_t low = 0;
};

struct ScorePass {
  const uint8_t* panel = nullptr;  // 64-byte aligned, as CoarsePanel::data()
  int fours = 0;
  int blocks = 0;
  const FourWeights* weights = nullptr;  // one per four columns
  int32_t most_low = 0;                  // what the low digits of the weights add to a score at most
  const uint64_t* eligible = nullptr;    // bit `lane` of word `block`
};

// The first block from `begin` on in which an eligible candidate scores at least `threshold`, else pass.blocks. A
// candidate's score is the sum of its numbers times their weights. REQUIRES: it fits 32 bits.
// For the block found, `scores` has those of all its lanes and `hits` the lanes that reached the threshold.
using NextHit = int (*)(const ScorePass& pass, int begin, int32_t threshold, int32_t* scores, uint64_t* hits);

int NextHitBaseline(const ScorePass& pass, int begin, int32_t threshold, int32_t* scores, uint64_t* hits);

// The widest kernel that this machine has.
NextHit WidestNextHit();

// Every kernel that this machine can run, the baseline first; for tests. Returns how many, at most 3.
int AvailableNextHit(NextHit out[3]);

}  // namespace suggest::bandit

#endif  // BANDIT_CHOOSE_SCORE_KERNEL_H_
