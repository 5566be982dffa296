#include "service/learning/heavy_exposures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "bandit/base/status_macros.h"

namespace suggest::learning {
namespace {

constexpr double kFarLarger = 1e8;

double SquaredNorm(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return sum;
}

// Of the outer product and the pair part; infinite for what is no number.
double SquaredNorm(const storage::StoredContext& context) {
  const double norm = SquaredNorm(context.customer) * SquaredNorm(context.recommendation) + SquaredNorm(context.pair);
  return std::isfinite(norm) ? norm : std::numeric_limits<double>::infinity();
}

}  // namespace

absl::StatusOr<std::vector<storage::LedgerExposure>> FindHeavyExposures(storage::LearningTransaction& tx,
                                                                        int64_t basis_id, int64_t first_day,
                                                                        int page_rows) {
  std::vector<std::pair<double, storage::LedgerExposure>> all;
  storage::LedgerKey after;
  while (true) {
    ASSIGN_OR_RETURN(std::vector<storage::LedgerExposure> page, tx.Exposures(basis_id, first_day, after, page_rows));
    if (page.empty()) break;
    after = {page.back().customer_id, page.back().suggestion_id};
    for (storage::LedgerExposure& exposure : page) {
      const double norm = SquaredNorm(exposure.context);
      exposure.context = {};
      all.emplace_back(norm, std::move(exposure));
    }
  }
  std::vector<storage::LedgerExposure> heavy;
  if (all.empty()) return heavy;
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  const double bound = kFarLarger * all[all.size() / 2].first;
  for (auto& [norm, exposure] : all) {
    if (!heavy.empty() && !(norm > bound)) break;
    heavy.push_back(std::move(exposure));
  }
  return heavy;
}

}  // namespace suggest::learning
