// The exposures that keep a posterior from being solved: contexts so much larger than all others that sums with them
// lose every other exposure's digits. They are set aside in the ledger, so that the others go on teaching.
#ifndef SERVICE_LEARNING_HEAVY_EXPOSURES_H_
#define SERVICE_LEARNING_HEAVY_EXPOSURES_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/ledger/learning_store.h"

namespace suggest::learning {

// Exposures of the basis from first_day on whose context's squared norm is no number or more than 10^8 times the median
// one; without such, the largest one alone. Largest first, without contexts. One pass, in pages of page_rows.
absl::StatusOr<std::vector<storage::LedgerExposure>> FindHeavyExposures(storage::LearningTransaction& tx,
                                                                        int64_t basis_id, int64_t first_day,
                                                                        int page_rows);

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_HEAVY_EXPOSURES_H_
