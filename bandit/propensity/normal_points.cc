#include "bandit/propensity/normal_points.h"

#include <map>
#include <memory>
#include <numeric>
#include <utility>

#include "bandit/base/mutex.h"
#include "bandit/base/portable_math.h"
#include "bandit/base/random.h"

namespace suggest::bandit {
namespace {

constexpr uint64_t kSeed = 20'170'115;  // any number; never changed: logged propensities are recomputed from it

struct Tables {
  Mutex mutex;
  std::map<int, std::unique_ptr<const NormalPoints>> by_dims ABSL_GUARDED_BY(mutex);
};

void FillLatin(CounterRng& rng, float* lanes) {
  int cells[kLanes];
  std::iota(cells, cells + kLanes, 0);
  for (int i = kLanes - 1; i > 0; --i) std::swap(cells[i], cells[rng.Below(i + 1)]);
  for (int lane = 0; lane < kLanes; ++lane)
    lanes[lane] = static_cast<float>(NormalQuantile((cells[lane] + rng.NextUniform()) / kLanes));
}

}  // namespace

NormalPoints::NormalPoints(int dims) : dims_(dims), values_(static_cast<size_t>(kNormalBlocks) * dims * kLanes) {
  for (int dim = 0; dim < dims; ++dim) {
    CounterRng rng(Seed{kSeed}, dim);
    for (int b = 0; b < kNormalBlocks; ++b) FillLatin(rng, &values_[(static_cast<size_t>(b) * dims + dim) * kLanes]);
  }
}

const NormalPoints& NormalPoints::OfDimension(int dims) {
  static Tables* const tables = new Tables;
  const int rounded = (dims + 7) / 8 * 8;
  {
    ReaderLock lock(tables->mutex);
    if (const auto found = tables->by_dims.find(rounded); found != tables->by_dims.end()) return *found->second;
  }
  std::unique_ptr<const NormalPoints> made(new NormalPoints(rounded));
  MutexLock lock(tables->mutex);
  return *tables->by_dims.try_emplace(rounded, std::move(made)).first->second;
}

}  // namespace suggest::bandit
