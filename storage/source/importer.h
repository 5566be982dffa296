// Loads CSV files into the builtin tables, each file whole or not at all.
//
// Header names are fixed, but for their case and for blanks and hyphens in place of underscores; square brackets mark
// those that may be missing; further columns become attributes:
//   customers        customer_id, [valid_from], ...
//   recommendations  recommendation_id, title, [active_from], [active_until], [repeatable], ...
//   suggestions      suggestion_id, customer_id, recommendation_id, decided_at, [status], [propensity]
//   purchases        purchase_id, customer_id, recommendation_id, purchased_at, amount, [currency], [suggestion_id],
//                    [visible_at], [cancelled_at]
// An empty field is null; attributes are stored as JSON strings, empty ones left out, and parsed by the schema's kinds
// when they are used. An id has at most 256 bytes. Times are RFC 3339, or without offset in a time zone that is given,
// or a date alone: the start of its day, in purchases the end (time_text.h). Booleans are true/false, t/f, yes/no, 1/0.
// Amounts have a decimal point and nothing but digits.
// A row whose key is there already replaces it: a file can be imported again.
#ifndef STORAGE_SOURCE_IMPORTER_H_
#define STORAGE_SOURCE_IMPORTER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/postgres/database.h"
#include "storage/source/csv.h"

namespace suggest::storage {

enum class ImportKind { kCustomers, kRecommendations, kSuggestions, kPurchases };

// "customers", "recommendations", "suggestions", "purchases": also the names of the files and tables.
absl::string_view ImportKindName(ImportKind kind);

struct ImportCounts {
  int64_t read = 0;      // records in the file
  int64_t inserted = 0;  // new keys
  int64_t changed = 0;   // replaced a row that was different
};

struct ImportOptions {
  // Checks everything, including against the database, and rolls back.
  bool dry_run = false;
  // Of times without an offset, and of dates. Without it the former are refused, and the latter are of UTC.
  std::optional<absl::TimeZone> time_zone = std::nullopt;
  // Called now and then with the records read so far and the bytes of the file they took.
  std::function<void(int64_t records, int64_t bytes)> progress;
};

class Importer {
 public:
  explicit Importer(Database* db) : db_(db) {}

  // One transaction; memory does not grow with the file.
  // Errors: INVALID_ARGUMENT "file:line: column: what is wrong with which value", also for a missing or, in suggestions
  // and purchases, an unknown column, and for a key that occurs twice in the file. Nothing is stored then.
  absl::StatusOr<ImportCounts> Import(ImportKind kind, CsvReader& csv, const ImportOptions& options = {});

 private:
  Database* const db_;
};

}  // namespace suggest::storage

#endif  // STORAGE_SOURCE_IMPORTER_H_
