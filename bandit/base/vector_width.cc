#include "bandit/base/vector_width.h"

#include <cstdlib>
#include <cstring>

namespace suggest {
namespace {

int MostBytes() {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq")) {
    return 64;
  }
  return __builtin_cpu_supports("avx2") ? 32 : 16;
}

}  // namespace

int VectorBytes() {
  static const int bytes = [] {
    const int most = MostBytes();
    const char* const asked = std::getenv("SUGGEST_VECTOR_BYTES");
    if (asked == nullptr) return most;
    if (std::strcmp(asked, "16") == 0) return 16;
    return most == 64 && std::strcmp(asked, "32") == 0 ? 32 : most;
  }();
  return bytes;
}

}  // namespace suggest
