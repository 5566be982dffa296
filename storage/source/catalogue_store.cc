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

// Null becomes "".
std::string TextOf(const pqxx::field& field) {
  return field.is_null() ? "" : std::string(field.c_str(), field.size());
}

// Throws CorruptValue for a time that cannot be read.
RecommendationRecord ReadRow(const pqxx::row& row) {
  RecommendationRecord record;
  record.recommendation_id = TextOf(row[0]);
  record.title = TextOf(row[1]);
  record.active_from = ToOptionalTime(row[2]);
  record.active_until = ToOptionalTime(row[3]);
  record.repeatable = row[4].as<bool>();
  record.attributes_json = row[5].c_str();
  try {
    record.attributes = ToStruct(row[5], "a recommendation");
  } catch (const CorruptValue&) {
    record.attributes.Clear();
  }
  return record;
}

}  // namespace

absl::StatusOr<std::vector<RecommendationRecord>> CatalogueStore::All(std::vector<std::string>* unreadable) const {
  std::vector<RecommendationRecord> records;
  std::vector<std::string> problems;
  RETURN_IF_ERROR(Autocommit(*db_, [&](pqxx::nontransaction& tx) {
    for (const pqxx::row& row : Exec(tx, kSelectRecommendations)) {
      try {
        records.push_back(ReadRow(row));
      } catch (const CorruptValue& corrupt) {
        problems.push_back(absl::StrCat("recommendation '", TextOf(row[0]), "': ", corrupt.what()));
      }
    }
    return absl::OkStatus();
  }));
  if (unreadable != nullptr) unreadable->insert(unreadable->end(), problems.begin(), problems.end());
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
