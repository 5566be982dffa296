// The import format: which columns each file has, and how a field's text becomes a value.
#ifndef STORAGE_SOURCE_IMPORT_FORMAT_H_
#define STORAGE_SOURCE_IMPORT_FORMAT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/source/importer.h"
#include "storage/source/time_text.h"

namespace suggest::storage {

enum class ValueKind { kText, kId, kTime, kBool, kAmount, kPropensity, kStatus };

struct ImportColumn {
  std::string name;
  ValueKind kind = ValueKind::kText;
  bool required = false;                  // the column must be there, and its fields not empty
  std::optional<std::string> when_empty;  // what an empty field stands for; nullopt = null
  DayPoint day_point = DayPoint::kStart;  // of a time: what a date alone stands for
};

struct ImportTable {
  std::string name;  // with its schema
  std::vector<ImportColumn> columns;
  std::vector<std::string> key;
  bool takes_attributes = false;  // further columns are attributes, in a jsonb column of that name
};

const ImportTable& TableOf(ImportKind kind);

// The PostgreSQL type of a column's values.
absl::string_view SqlType(ValueKind kind);

// A field as PostgreSQL takes it: times in UTC, booleans as true and false, status in upper case; nullopt = null.
// `zone`: of times without an offset, and of dates (time_text.h).
// Errors: INVALID_ARGUMENT "what is wrong with which value", on one line, without file and column.
absl::StatusOr<std::optional<std::string>> ToSqlValue(const ImportColumn& column, const std::string& field,
                                                      const std::optional<absl::TimeZone>& zone);

// The table's column that a header names, in any case and with any blanks, hyphens or underscores ("Customer ID");
// null for none.
const ImportColumn* FindColumn(const ImportTable& table, absl::string_view header_name);

// Appends `"name": "value"` to a JSON object that begins with "{" and is not closed yet.
void AppendJsonMember(std::string& object, absl::string_view name, absl::string_view value);

}  // namespace suggest::storage

#endif  // STORAGE_SOURCE_IMPORT_FORMAT_H_
