// A customer as the database knows it, and what the model in service reads from that.
//
// Reading attributes and history takes longer than choosing among a thousand candidates, and its result changes only
// with them, with the model version and with the catalogue. So whoever keeps a customer between requests
// (service/server/cache/customer_cache.h) keeps the last reading with it. What depends on the instant, ages, is worked
// out per decision; what decisions at the same ages have in common stays with the reading
// (bandit/choose/customer_memo.h).
//
// Threads: any.
#ifndef SERVICE_DECISION_CUSTOMER_H_
#define SERVICE_DECISION_CUSTOMER_H_

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bandit/base/mutex.h"
#include "bandit/choose/customer_memo.h"
#include "features/extractor.h"
#include "features/pair_extractor.h"
#include "features/pipeline.h"
#include "service/decision/catalogue.h"
#include "storage/records.h"

namespace suggest::decision {

// z~_c of a customer at an instant; the last one is kept while no age is a minute further.
class CustomerEncoding {
 public:
  std::shared_ptr<const Eigen::VectorXd> At(const features::Pipeline& pipeline, const features::SideReading& side,
                                            absl::Time now);
  int64_t bytes() const;  // of what is kept at the moment

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const Eigen::VectorXd> kept_ ABSL_GUARDED_BY(mutex_);
  // When it is the one.
  absl::Time from_ ABSL_GUARDED_BY(mutex_);
  absl::Time until_ ABSL_GUARDED_BY(mutex_);
};

// What a Serving reads from a customer.
struct CustomerReading {
  features::SideReading side;
  features::PairExtractor pairs;
  std::vector<int> bought;  // indices in the catalogue, ascending
  // What counts as missing since it cannot be read: feature and column, without the value; and what is wrong with the
  // customer's row.
  std::vector<std::string> unreadable;
  // Of the serving's pipeline and this `side`.
  std::unique_ptr<CustomerEncoding> encoding = std::make_unique<CustomerEncoding>();
  // Of the serving's posterior and catalogue.
  std::unique_ptr<bandit::CustomerMemo> memo = std::make_unique<bandit::CustomerMemo>();
};

// REQUIRES: state.attributes is set. `attributes` stand in for the state's. One that cannot be read counts as missing.
absl::StatusOr<CustomerReading> ReadCustomer(const Serving& serving, const storage::CustomerState& state,
                                             const features::Attributes& attributes);

class Customer {
 public:
  // Implicit: a state is a customer that nobody has read yet.
  Customer(storage::CustomerState state);  // NOLINT(google-explicit-constructor)

  const storage::CustomerState& state() const { return state_; }

  // The reading of the state's own attributes, kept for the serving last asked for. REQUIRES: as ReadCustomer.
  absl::StatusOr<std::shared_ptr<const CustomerReading>> Under(const Serving& serving) const;

  // An estimate, with the reading, whether it is there yet or not, and what is kept with it at the moment.
  int64_t bytes() const;

 private:
  struct Kept {
    int64_t model_version = 0;
    std::string catalogue_version;
    std::shared_ptr<const CustomerReading> reading;
  };

  const storage::CustomerState state_;
  const int64_t state_bytes_;
  mutable Mutex mutex_;
  mutable Kept kept_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_CUSTOMER_H_
