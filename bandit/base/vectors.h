// Sixteen numbers at a time, by the compiler's vector extension: in one register where the machine has such, else in
// several; element by element, so the bits are the same everywhere. For kernels (base/widest.h), within one function:
// how such a value would be passed to another depends on the machine.
#ifndef BANDIT_BASE_VECTORS_H_
#define BANDIT_BASE_VECTORS_H_

// Part of the function that calls it, on every machine.
#define SUGGEST_INLINED static inline __attribute__((always_inline))

namespace suggest {

inline constexpr int kVectorLanes = 16;
using Floats = float __attribute__((vector_size(64)));
using Ints = int __attribute__((vector_size(64)));

// Eight in double precision.
using Doubles = double __attribute__((vector_size(64)));

// Sixteen that stand somewhere in an array.
using FloatsAt = float __attribute__((vector_size(64), aligned(4), may_alias));

// The vector of that number in an array.
SUGGEST_INLINED const FloatsAt* At(const float* numbers, long vector) {
  return reinterpret_cast<const FloatsAt*>(numbers) + vector;
}

SUGGEST_INLINED FloatsAt* At(float* numbers, long vector) {
  return reinterpret_cast<FloatsAt*>(numbers) + vector;
}

// Whether a bit is set in any of them.
SUGGEST_INLINED bool Any(const Ints* mask) {
  using HalfInts = int __attribute__((vector_size(32)));
  using QuarterLongs = long __attribute__((vector_size(16)));
  HalfInts low, high;
  __builtin_memcpy(&low, mask, sizeof(low));
  __builtin_memcpy(&high, reinterpret_cast<const char*>(mask) + sizeof(low), sizeof(high));
  low |= high;
  QuarterLongs first, second;
  __builtin_memcpy(&first, &low, sizeof(first));
  __builtin_memcpy(&second, reinterpret_cast<const char*>(&low) + sizeof(first), sizeof(second));
  first |= second;
  return (first[0] | first[1]) != 0;
}

}  // namespace suggest

#endif  // BANDIT_BASE_VECTORS_H_
