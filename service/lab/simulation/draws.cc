#include "service/lab/simulation/draws.h"

#include "bandit/base/portable_math.h"

namespace suggest::simulation {
namespace {

uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t Draws::Bits(Purpose purpose, int64_t a, int64_t b, int64_t c) const {
  uint64_t state = Mix(seed_ ^ Mix(static_cast<uint64_t>(purpose)));
  state = Mix(state ^ static_cast<uint64_t>(a));
  state = Mix(state ^ static_cast<uint64_t>(b));
  return Mix(state ^ static_cast<uint64_t>(c));
}

double Draws::Uniform(Purpose purpose, int64_t a, int64_t b, int64_t c) const {
  const auto top = static_cast<double>(Bits(purpose, a, b, c) >> 12);  // 52 bits
  return (top + 0.5) * 0x1p-52;
}

double Draws::Normal(Purpose purpose, int64_t a, int64_t b, int64_t c) const {
  return NormalQuantile(Uniform(purpose, a, b, c));
}

double Draws::Gumbel(Purpose purpose, int64_t a, int64_t b, int64_t c) const {
  return -PortableLog(-PortableLog(Uniform(purpose, a, b, c)));
}

}  // namespace suggest::simulation
