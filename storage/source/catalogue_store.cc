#include "storage/source/catalogue_store.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "storage/postgres/database_internal.h"
#include "storage/source/source_rows.h"

namespace suggest::storage {
namespace {

constexpr Statement kSave = {"catalogue_save",
                             "INSERT INTO suggest.catalogue_versions (version, created_at, bytes) "
                             "VALUES ($1, $2::timestamptz, $3) ON CONFLICT (version) DO NOTHING"};
constexpr Statement kLoadCatalogue = {"catalogue_load",
                                      "SELECT bytes FROM suggest.catalogue_versions WHERE version = $1"};

}  // namespace

absl::StatusOr<std::vector<RecommendationRecord>> CatalogueStore::All() const {
  std::vector<RecommendationRecord> records;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) -> absl::Status {
    for (const pqxx::row& row : Exec(tx, kSelectRecommendations)) {
      ASSIGN_OR_RETURN(RecommendationRecord record, ToRecommendation(row));
      if (!records.empty() && records.back().recommendation_id == record.recommendation_id) {
        return absl::FailedPreconditionError(
            absl::StrCat("source.recommendations: recommendation_id '", record.recommendation_id, "' occurs twice"));
      }
      records.push_back(std::move(record));
    }
    return absl::OkStatus();
  }));
  return records;
}

absl::Status CatalogueStore::SaveVersion(const std::string& version, const std::string& bytes, absl::Time now) {
  return Autocommit(*db_, [&](pqxx::nontransaction& tx) {
    Exec(tx, kSave, ToBytea(version), ToSql(now), ToBytea(bytes));
    return absl::OkStatus();
  });
}

absl::StatusOr<std::string> CatalogueStore::LoadVersion(const std::string& version) const {
  std::string bytes;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) -> absl::Status {
    const pqxx::result rows = Exec(tx, kLoadCatalogue, ToBytea(version));
    if (rows.empty()) {
      return absl::NotFoundError(
          absl::StrCat("catalogue version ", absl::BytesToHexString(version), " is not in the database"));
    }
    bytes = ToBytes(rows[0][0]);
    return absl::OkStatus();
  }));
  return bytes;
}

}  // namespace suggest::storage
