#include "storage/postgres/errors.h"

#include <new>
#include <pqxx/pqxx>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "storage/postgres/database_internal.h"

namespace suggest::storage {
namespace {

std::string OneLine(absl::string_view text) {
  return absl::StrReplaceAll(absl::StripAsciiWhitespace(text), {{"\n", "; "}});
}

// libpq gives no code for a connection that was refused, only the server's words.
absl::StatusCode RefusedConnectionCode(absl::string_view message) {
  for (absl::string_view words : {"connection info string", "invalid connection option", "invalid URI"}) {
    if (absl::StrContains(message, words)) return absl::StatusCode::kInvalidArgument;
  }
  return absl::StatusCode::kUnavailable;
}

// https://www.postgresql.org/docs/15/errcodes-appendix.html
absl::StatusCode SqlStateCode(absl::string_view state) {
  struct Row {
    absl::string_view prefix;  // of the five characters
    absl::StatusCode code;
  };
  constexpr Row kRows[] = {
      {"23505", absl::StatusCode::kAlreadyExists},       // unique_violation
      {"23", absl::StatusCode::kFailedPrecondition},     // other integrity violations
      {"22", absl::StatusCode::kInvalidArgument},        // data exception: a value PostgreSQL does not take
      {"40", absl::StatusCode::kAborted},                // serialization failure, deadlock
      {"55P03", absl::StatusCode::kAborted},             // lock_not_available
      {"08", absl::StatusCode::kUnavailable},            // connection exceptions
      {"57014", absl::StatusCode::kDeadlineExceeded},    // query_canceled: statement_timeout
      {"57P", absl::StatusCode::kUnavailable},           // shutting down, crashed, starting
      {"25006", absl::StatusCode::kUnavailable},         // read_only_sql_transaction: a standby after a fail-over
      {"53300", absl::StatusCode::kUnavailable},         // too_many_connections
      {"53", absl::StatusCode::kResourceExhausted},      // disk, memory
      {"3D", absl::StatusCode::kFailedPrecondition},     // no such database
      {"3F", absl::StatusCode::kFailedPrecondition},     // no such schema
      {"42501", absl::StatusCode::kFailedPrecondition},  // insufficient_privilege
      {"42P01", absl::StatusCode::kFailedPrecondition},  // undefined_table
      {"42703", absl::StatusCode::kFailedPrecondition},  // undefined_column
      {"XX001", absl::StatusCode::kDataLoss},            // data_corrupted
      {"XX002", absl::StatusCode::kDataLoss},            // index_corrupted
  };
  for (const Row& row : kRows) {
    if (absl::StartsWith(state, row.prefix)) return row.code;
  }
  return absl::StatusCode::kInternal;
}

absl::StatusCode CodeOf(const std::exception& error) {
  if (dynamic_cast<const InvalidValue*>(&error)) return absl::StatusCode::kInvalidArgument;
  if (dynamic_cast<const CorruptValue*>(&error)) return absl::StatusCode::kDataLoss;
  // Nobody can be served, as if it were away: what waits is held, and a spool stands in.
  if (dynamic_cast<const pqxx::too_many_connections*>(&error)) return absl::StatusCode::kUnavailable;
  if (dynamic_cast<const pqxx::broken_connection*>(&error)) return RefusedConnectionCode(error.what());
  if (dynamic_cast<const pqxx::in_doubt_error*>(&error)) return absl::StatusCode::kUnknown;
  if (dynamic_cast<const pqxx::statement_completion_unknown*>(&error)) return absl::StatusCode::kUnknown;
  if (dynamic_cast<const pqxx::transaction_rollback*>(&error)) return absl::StatusCode::kAborted;
  if (dynamic_cast<const pqxx::conversion_error*>(&error)) return absl::StatusCode::kDataLoss;
  if (dynamic_cast<const std::bad_alloc*>(&error)) return absl::StatusCode::kResourceExhausted;
  // To some errors libpqxx gives a class but no code.
  if (dynamic_cast<const pqxx::unique_violation*>(&error)) return absl::StatusCode::kAlreadyExists;
  if (dynamic_cast<const pqxx::integrity_constraint_violation*>(&error)) return absl::StatusCode::kFailedPrecondition;
  if (dynamic_cast<const pqxx::data_exception*>(&error)) return absl::StatusCode::kInvalidArgument;
  if (dynamic_cast<const pqxx::insufficient_privilege*>(&error)) return absl::StatusCode::kFailedPrecondition;
  if (dynamic_cast<const pqxx::insufficient_resources*>(&error)) return absl::StatusCode::kResourceExhausted;
  if (const auto* sql = dynamic_cast<const pqxx::sql_error*>(&error)) return SqlStateCode(sql->sqlstate());
  return absl::StatusCode::kInternal;
}

}  // namespace

absl::Status ToStatus(const std::exception& error) {
  return absl::Status(CodeOf(error), absl::StrCat("database: ", OneLine(error.what())));
}

absl::Status CatchErrors(absl::FunctionRef<absl::Status()> body) {
  try {
    return body();
  } catch (const std::exception& error) {
    return ToStatus(error);
  }
}

}  // namespace suggest::storage
