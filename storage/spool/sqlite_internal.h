// SQLite for the sources of storage/ only: one file, one connection, errors as statuses.
//
// Errors of every function: RESOURCE_EXHAUSTED when the file may not grow or the disk is full; FAILED_PRECONDITION when
// another process has the file; DATA_LOSS when it is damaged or no SQLite file; else INTERNAL. All name the file.
//
// Not thread-safe.
#ifndef STORAGE_SPOOL_SQLITE_INTERNAL_H_
#define STORAGE_SPOOL_SQLITE_INTERNAL_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct sqlite3;
struct sqlite3_stmt;

namespace suggest::storage {

class SqliteFile {
 public:
  // Opens the file, or makes it; its folder must be there.
  static absl::StatusOr<std::unique_ptr<SqliteFile>> Open(const std::string& path);
  ~SqliteFile();
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  // Statements without parameters, whose rows do not matter.
  absl::Status Execute(const char* sql);
  // The first column of the only row.
  absl::StatusOr<int64_t> QueryInteger(const char* sql);
  absl::StatusOr<std::string> QueryText(const char* sql);

  // Rows that the last INSERT, UPDATE or DELETE touched.
  int Changes() const;
  // The last failure of this connection as a status.
  absl::Status LastError() const;
  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_; }

 private:
  SqliteFile(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}

  const std::string path_;
  sqlite3* const handle_;
};

// A prepared statement: bind from parameter 1 on, step, read columns from 0 on.
class SqliteStatement {
 public:
  // A mistake in `sql` is a defect of ours. The file must outlive it.
  SqliteStatement(SqliteFile& file, const char* sql);
  ~SqliteStatement();
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  SqliteStatement& Bind(int64_t value);
  SqliteStatement& BindText(absl::string_view text);
  SqliteStatement& BindBytes(absl::string_view bytes);

  // True: a row is there to be read. False: done.
  absl::StatusOr<bool> Step();
  // Runs to the end.
  absl::Status Run();

  bool IsNull(int column) const;
  int64_t Integer(int column) const;
  std::string Bytes(int column) const;

 private:
  SqliteFile& file_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

// BEGIN IMMEDIATE; rolled back at its end unless committed.
class SqliteTransaction {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteTransaction>> Begin(SqliteFile& file);
  explicit SqliteTransaction(SqliteFile& file) : file_(file) {}
  ~SqliteTransaction();
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;

  absl::Status Commit();

 private:
  SqliteFile& file_;
  bool committed_ = false;
};

}  // namespace suggest::storage

#endif  // STORAGE_SPOOL_SQLITE_INTERNAL_H_
