#include <sqlite3.h>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "storage/spool/sqlite_internal.h"

namespace suggest::storage {
namespace {

absl::StatusCode CodeOf(int result) {
  switch (result & 0xff) {  // the primary result code
    case SQLITE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return absl::StatusCode::kFailedPrecondition;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteFile>> SqliteFile::Open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int result =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  SUGGEST_CHECK(handle != nullptr);
  std::unique_ptr<SqliteFile> file(new SqliteFile(path, handle));
  if (result != SQLITE_OK) return file->LastError();
  sqlite3_extended_result_codes(handle, 1);
  return file;
}

SqliteFile::~SqliteFile() {
  sqlite3_close(handle_);
}

absl::Status SqliteFile::Execute(const char* sql) {
  return sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK ? absl::OkStatus() : LastError();
}

absl::StatusOr<int64_t> SqliteFile::QueryInteger(const char* sql) {
  SqliteStatement query(*this, sql);
  ASSIGN_OR_RETURN(const bool found, query.Step());
  return found ? query.Integer(0) : 0;
}

absl::StatusOr<std::string> SqliteFile::QueryText(const char* sql) {
  SqliteStatement query(*this, sql);
  ASSIGN_OR_RETURN(const bool found, query.Step());
  return found ? query.Bytes(0) : std::string();
}

int SqliteFile::Changes() const {
  return sqlite3_changes(handle_);
}

absl::Status SqliteFile::LastError() const {
  return absl::Status(CodeOf(sqlite3_extended_errcode(handle_)), absl::StrCat(path_, ": ", sqlite3_errmsg(handle_)));
}

SqliteStatement::SqliteStatement(SqliteFile& file, const char* sql) : file_(file) {
  // What can fail here because of the world (a damaged schema) shows again, as a status, when the statement is run.
  sqlite3_prepare_v2(file.handle(), sql, -1, &statement_, nullptr);
}

SqliteStatement::~SqliteStatement() {
  sqlite3_finalize(statement_);
}

SqliteStatement& SqliteStatement::Bind(int64_t value) {
  if (statement_ != nullptr) SUGGEST_CHECK(sqlite3_bind_int64(statement_, ++bound_, value) == SQLITE_OK);
  return *this;
}

SqliteStatement& SqliteStatement::BindText(absl::string_view text) {
  if (statement_ == nullptr) return *this;
  SUGGEST_CHECK(sqlite3_bind_text64(statement_, ++bound_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8) ==
                SQLITE_OK);
  return *this;
}

SqliteStatement& SqliteStatement::BindBytes(absl::string_view bytes) {
  if (statement_ == nullptr) return *this;
  SUGGEST_CHECK(sqlite3_bind_blob64(statement_, ++bound_, bytes.data(), bytes.size(), SQLITE_TRANSIENT) == SQLITE_OK);
  return *this;
}

absl::StatusOr<bool> SqliteStatement::Step() {
  if (statement_ == nullptr) return file_.LastError();
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return file_.LastError();
  }
}

absl::Status SqliteStatement::Run() {
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, Step());
    if (!more) return absl::OkStatus();
  }
}

bool SqliteStatement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

int64_t SqliteStatement::Integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string SqliteStatement::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  return bytes == nullptr ? std::string()
                          : std::string(static_cast<const char*>(bytes), sqlite3_column_bytes(statement_, column));
}

absl::StatusOr<std::unique_ptr<SqliteTransaction>> SqliteTransaction::Begin(SqliteFile& file) {
  RETURN_IF_ERROR(file.Execute("BEGIN IMMEDIATE"));
  return std::make_unique<SqliteTransaction>(file);
}

SqliteTransaction::~SqliteTransaction() {
  // SQLite has rolled back by itself after some failures, a full disk for one.
  if (!committed_ && sqlite3_get_autocommit(file_.handle()) == 0) file_.Execute("ROLLBACK").IgnoreError();
}

absl::Status SqliteTransaction::Commit() {
  RETURN_IF_ERROR(file_.Execute("COMMIT"));
  committed_ = true;
  return absl::OkStatus();
}

}  // namespace suggest::storage
