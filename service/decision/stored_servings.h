// What decided once, put together again from the model version and the catalogue version that a decision logged. The
// same build encodes the same bits.
#ifndef SERVICE_DECISION_STORED_SERVINGS_H_
#define SERVICE_DECISION_STORED_SERVINGS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "service/decision/catalogue.h"
#include "storage/postgres/database.h"

namespace suggest::decision {

// Keeps the last one that was asked for: ask in the order of the versions. One thread.
class StoredServings {
 public:
  // `database` must outlive this.
  explicit StoredServings(storage::Database* database) : database_(database) {}

  // Errors, which name the version: NOT_FOUND; ReadModel's (stored_model.h); DATA_LOSS when a catalogue's bytes are
  // damaged; Serving::Create's.
  absl::StatusOr<std::shared_ptr<const Serving>> Get(int64_t model_version, const std::string& catalogue_version);

 private:
  storage::Database* const database_;
  std::shared_ptr<const Serving> last_;
};

}  // namespace suggest::decision

#endif  // SERVICE_DECISION_STORED_SERVINGS_H_
