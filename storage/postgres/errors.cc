#include "storage/postgres/errors.h"

#include <new>
#include <pqxx/pqxx>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "storage/postgres/database_internal.h"

namespace suggest::storage {
namespace {

constexpr absl::string_view kOperatorWords = "suggest/database-words";

std::string OneLine(absl::string_view text) {
  return absl::StrReplaceAll(absl::StripAsciiWhitespace(text), {{"\n", "; "}});
}

// libpq gives no code for a connection that was refused, only the server's words.
absl::StatusCode RefusedConnectionCode(absl::string_view message) {
  for (absl::string_view words : {"too many clients", "too many connections", "remaining connection slots"}) {
    if (absl::StrContains(message, words)) return absl::StatusCode::kResourceExhausted;
  }
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
      {"22021", absl::StatusCode::kInvalidArgument},     // character_not_in_repertoire: text that we were given
      {"22P05", absl::StatusCode::kInvalidArgument},     // untranslatable_character: likewise
      {"22", absl::StatusCode::kInternal},               // data exception: a cast or a division in a view
      {"40", absl::StatusCode::kAborted},                // serialization failure, deadlock
      {"55P03", absl::StatusCode::kAborted},             // lock_not_available
      {"08", absl::StatusCode::kUnavailable},            // connection exceptions
      {"57014", absl::StatusCode::kDeadlineExceeded},    // query_canceled: statement_timeout
      {"57P", absl::StatusCode::kUnavailable},           // shutting down, crashed, starting
      {"25006", absl::StatusCode::kUnavailable},         // read_only_sql_transaction: a standby after a fail-over
      {"53", absl::StatusCode::kResourceExhausted},      // connections, disk, memory
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
  if (dynamic_cast<const SharedSession*>(&error)) return absl::StatusCode::kFailedPrecondition;
  if (dynamic_cast<const pqxx::too_many_connections*>(&error)) return absl::StatusCode::kResourceExhausted;
  if (dynamic_cast<const pqxx::broken_connection*>(&error)) return RefusedConnectionCode(error.what());
  if (dynamic_cast<const pqxx::in_doubt_error*>(&error)) return absl::StatusCode::kUnknown;
  if (dynamic_cast<const pqxx::statement_completion_unknown*>(&error)) return absl::StatusCode::kUnknown;
  if (dynamic_cast<const pqxx::transaction_rollback*>(&error)) return absl::StatusCode::kAborted;
  if (dynamic_cast<const pqxx::conversion_error*>(&error)) return absl::StatusCode::kDataLoss;
  if (dynamic_cast<const std::bad_alloc*>(&error)) return absl::StatusCode::kResourceExhausted;
  // To some errors libpqxx gives a class but no code.
  if (dynamic_cast<const pqxx::unique_violation*>(&error)) return absl::StatusCode::kAlreadyExists;
  if (dynamic_cast<const pqxx::integrity_constraint_violation*>(&error)) return absl::StatusCode::kFailedPrecondition;
  if (dynamic_cast<const pqxx::insufficient_privilege*>(&error)) return absl::StatusCode::kFailedPrecondition;
  if (dynamic_cast<const pqxx::insufficient_resources*>(&error)) return absl::StatusCode::kResourceExhausted;
  if (const auto* sql = dynamic_cast<const pqxx::sql_error*>(&error)) return SqlStateCode(sql->sqlstate());
  return absl::StatusCode::kInternal;
}

std::string StateOf(const std::exception& error) {
  const auto* sql = dynamic_cast<const pqxx::sql_error*>(&error);
  if (sql == nullptr) return "";
  if (!sql->sqlstate().empty()) return sql->sqlstate();
  return dynamic_cast<const pqxx::data_exception*>(sql) ? "22000" : "";
}

// Classes whose words quote a row: data exceptions, and what a function of the company raises.
bool QuotesARow(absl::string_view state) {
  for (absl::string_view known : {"22021", "22P05"}) {
    if (state == known) return false;
  }
  for (absl::string_view prefix : {"22", "P0", "38", "39", "2F"}) {
    if (absl::StartsWith(state, prefix)) return true;
  }
  return false;
}

// https://www.postgresql.org/docs/15/errcodes-appendix.html, those of a view's expressions.
absl::string_view ConditionName(absl::string_view state) {
  constexpr std::pair<absl::string_view, absl::string_view> kNames[] = {
      {"22012", "division by zero"},
      {"22P02", "a cast of a text that does not read as the type"},
      {"22003", "a number out of range"},
      {"22007", "a text that is no date or time"},
      {"22008", "a date out of range"},
      {"22001", "a text that is too long"},
      {"22023", "an argument of a function that it does not take"},
      {"22030", "a JSON key that occurs twice"},
      {"22032", "text that is no JSON"},
      {"2200S", "an XML comment that does not read"},
      {"P0001", "an exception that a function raised"}};
  for (const auto& [known, name] : kNames) {
    if (known == state) return name;
  }
  return "an expression that PostgreSQL cannot compute";
}

// What a constraint of our own tables refuses is named; the row that broke it is not.
std::string WithoutDetail(const std::string& words, absl::string_view state) {
  return absl::StartsWith(state, "23") ? words.substr(0, words.find("\nDETAIL:")) : words;
}

}  // namespace

absl::Status ToStatus(const std::exception& error) {
  const std::string state = StateOf(error);
  if (!QuotesARow(state)) {
    return absl::Status(CodeOf(error), absl::StrCat("database: ", OneLine(WithoutDetail(error.what(), state))));
  }
  absl::Status status =
      absl::InternalError(absl::StrCat("database: a row of a source view cannot be computed: ", ConditionName(state),
                                       " (SQLSTATE ", state, "); suggestctl doctor names the view"));
  status.SetPayload(kOperatorWords, absl::Cord(OneLine(error.what())));
  return status;
}

bool IsFaultOfSource(const absl::Status& status) {
  return status.GetPayload(kOperatorWords).has_value();
}

std::string OperatorWords(const absl::Status& status) {
  const absl::optional<absl::Cord> words = status.GetPayload(kOperatorWords);
  return words.has_value() ? std::string(*words) : std::string(status.message());
}

absl::Status CatchErrors(absl::FunctionRef<absl::Status()> body) {
  try {
    return body();
  } catch (const std::exception& error) {
    return ToStatus(error);
  }
}

}  // namespace suggest::storage
