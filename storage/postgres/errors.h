// What PostgreSQL and libpqxx report, as absl::Status. The only place where that mapping is written.
//
//   unique violation                                  ALREADY_EXISTS       often success: an idempotent re-send
//   other integrity violation                         FAILED_PRECONDITION
//   missing table, column or schema, missing right    FAILED_PRECONDITION  not migrated, or a source view is wrong
//   value that PostgreSQL does not take               INVALID_ARGUMENT
//   serialization failure, deadlock, lock not free    ABORTED              rerun the transaction
//   connection lost while COMMIT was under way        UNKNOWN              re-send with the same id
//   broken connection, server starting or stopping    UNAVAILABLE
//   too many connections, disk or memory full         RESOURCE_EXHAUSTED
//   statement_timeout                                 DEADLINE_EXCEEDED
//   a value of the database that cannot be converted  DATA_LOSS
//   anything else                                     INTERNAL
//
// The message is PostgreSQL's own, on one line.
#ifndef STORAGE_POSTGRES_ERRORS_H_
#define STORAGE_POSTGRES_ERRORS_H_

#include <exception>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace suggest::storage {

// The status that stands for `error`, an exception thrown by libpqxx or by the helpers of database_internal.h.
absl::Status ToStatus(const std::exception& error);

// Returns what `body` returns, or the status of what it throws: no exception leaves storage/.
absl::Status CatchErrors(absl::FunctionRef<absl::Status()> body);

}  // namespace suggest::storage

#endif  // STORAGE_POSTGRES_ERRORS_H_
