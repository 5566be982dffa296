// What PostgreSQL and libpqxx report, as absl::Status. The only place where that mapping is written.
//
//   unique violation                                  ALREADY_EXISTS       often success: an idempotent re-send
//   other integrity violation                         FAILED_PRECONDITION
//   missing table, column or schema, missing right    FAILED_PRECONDITION  not migrated, or a source view is wrong
//   text that is no UTF-8                             INVALID_ARGUMENT
//   a row of a source view that cannot be computed    INTERNAL             a cast, a division, an exception of a
//   function a pooler that shares sessions                     FAILED_PRECONDITION serialization failure, deadlock,
//   lock not free    ABORTED              rerun the transaction connection lost while COMMIT was under way UNKNOWN
//   re-send with the same id broken connection, server starting or stopping    UNAVAILABLE too many connections, disk
//   or memory full         RESOURCE_EXHAUSTED statement_timeout                                 DEADLINE_EXCEEDED a
//   value of the database that cannot be converted  DATA_LOSS anything else INTERNAL
//
// The message is PostgreSQL's own, on one line, but for what quotes a row: then it names the kind of fault alone, since
// callers and logs must not see a company's rows.
#ifndef STORAGE_POSTGRES_ERRORS_H_
#define STORAGE_POSTGRES_ERRORS_H_

#include <exception>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace suggest::storage {

// The status that stands for `error`, an exception thrown by libpqxx or by the helpers of database_internal.h.
absl::Status ToStatus(const std::exception& error);

// True for the status of a row of a source view that cannot be computed. The connection is none the worse.
bool IsFaultOfSource(const absl::Status& status);

// PostgreSQL's words where the message keeps them back: for an operator's terminal, never for callers or logs. Else the
// message.
std::string OperatorWords(const absl::Status& status);

// Returns what `body` returns, or the status of what it throws: no exception leaves storage/.
absl::Status CatchErrors(absl::FunctionRef<absl::Status()> body);

}  // namespace suggest::storage

#endif  // STORAGE_POSTGRES_ERRORS_H_
