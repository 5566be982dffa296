// Which of the kernels' copies for different widths of vectors (base/each_width.inc) this process runs.
#ifndef BANDIT_BASE_VECTOR_WIDTH_H_
#define BANDIT_BASE_VECTOR_WIDTH_H_

namespace suggest {

// 64 (AVX-512), 32 (AVX2) or 16: the most that the processor has, or what the environment variable SUGGEST_VECTOR_BYTES
// says, where that is less. Results have the same bits whatever it is; tests run once for each.
int VectorBytes();

}  // namespace suggest

#endif  // BANDIT_BASE_VECTOR_WIDTH_H_
