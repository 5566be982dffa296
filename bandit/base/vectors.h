// Sixteen numbers at a time, by the compiler's vector extension: in one register where the machine has such, else in
// several; element by element, so the bits are the same everywhere. For kernels (base/widest.h), within one function:
// how such a value would be passed to another depends on the machine.
#ifndef BANDIT_BASE_VECTORS_H_
#define BANDIT_BASE_VECTORS_H_

namespace suggest {

inline constexpr int kVectorLanes = 16;
using Floats = float __attribute__((vector_size(64)));
using Ints = int __attribute__((vector_size(64)));

// Eight in double precision.
using Doubles = double __attribute__((vector_size(64)));

// Sixteen that stand somewhere in an array.
using FloatsAt = float __attribute__((vector_size(64), aligned(4), may_alias));

}  // namespace suggest

#endif  // BANDIT_BASE_VECTORS_H_
