// The catalogue of recommendations, and the versions of it that decisions were made from.
#ifndef STORAGE_SOURCE_CATALOGUE_STORE_H_
#define STORAGE_SOURCE_CATALOGUE_STORE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/postgres/database.h"
#include "storage/records.h"

namespace suggest::storage {

class CatalogueStore {
 public:
  explicit CatalogueStore(Database* db) : db_(db) {}

  // All rows of source.recommendations, ascending by the bytes of recommendation_id; rows may share an id. A null id
  // becomes "", a null title the id, a null repeatable false. Attributes that are no object that can be read are
  // empty in `attributes`, and as they are in attributes_json. A row with a time that cannot be read is left out, and a
  // sentence that names it is appended to *unreadable, which may be null.
  absl::StatusOr<std::vector<RecommendationRecord>> All(std::vector<std::string>* unreadable = nullptr) const;

  // Keeps `bytes` under `version` (their SHA-256, 32 raw bytes). Idempotent.
  absl::Status SaveVersion(const std::string& version, const std::string& bytes, absl::Time now);
  // Errors: NOT_FOUND. The caller checks the bytes against the name.
  absl::StatusOr<std::string> LoadVersion(const std::string& version) const;

 private:
  Database* const db_;
};

}  // namespace suggest::storage

#endif  // STORAGE_SOURCE_CATALOGUE_STORE_H_
