// A fresh, migrated database for each test, on a real PostgreSQL.
//
// The server is the one that the environment variable SUGGEST_TEST_POSTGRES names (a libpq connection string of a
// superuser; tests/run sets it), else a private one that this process starts at the first use and that ends with it.
// Migrations run once per process, into a template that each test's database is copied from.
#ifndef TESTS_SUPPORT_TEST_DATABASE_H_
#define TESTS_SUPPORT_TEST_DATABASE_H_

#include <memory>
#include <string>
#include <vector>

#include "storage/postgres/database.h"

namespace suggest::testing {

class TestDatabase {
 public:
  enum class Content { kMigrated, kEmpty };

  explicit TestDatabase(Content content = Content::kMigrated);
  // Drops the database; sessions that are still open in it are ended.
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  const std::string& connection() const { return connection_; }
  storage::DatabaseOptions options() const;
  // A pool shared by the test, and more of them (another replica).
  storage::Database& database() { return *database_; }
  std::unique_ptr<storage::Database> OpenAnother(storage::DatabaseOptions options) const;
  std::unique_ptr<storage::Database> OpenAnother() const { return OpenAnother(options()); }

  // Runs SQL of any kind in a session of its own; several statements are one transaction. Aborts when it fails.
  void Execute(const std::string& sql) const;
  // The rows of a query as text, "NULL" for null.
  std::vector<std::vector<std::string>> Query(const std::string& sql) const;
  // The only value of a query; where it has none or several, how many rows it has, which no test expects.
  std::string QueryOne(const std::string& sql) const;

 private:
  std::string name_;
  std::string connection_;
  std::unique_ptr<storage::Database> database_;
};

}  // namespace suggest::testing

#endif  // TESTS_SUPPORT_TEST_DATABASE_H_
