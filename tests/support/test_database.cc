#include "tests/support/test_database.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bandit/base/check.h"
#include "storage/postgres/migrator.h"
#include "tests/support/private_postgres.h"
#include "tests/support/raw_sql.h"

namespace suggest::testing {
namespace {

// The later of two settings in a libpq connection string counts.
std::string InDatabase(const std::string& server, const std::string& name) {
  return absl::StrCat(server, " dbname=", name);
}

void CheckOk(const absl::Status& status) {
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  SUGGEST_CHECK(status.ok());
}

// The server, and a migrated template in it, for the life of the process.
class Server {
 public:
  static Server& Get() {
    static Server server;
    return server;
  }

  const std::string& connection() const { return connection_; }

  // A fresh name on a server that several processes share.
  std::string NewName() { return absl::StrCat("test_", ::getpid(), "_", ++databases_); }

  const std::string& Template() {
    if (template_.empty()) template_ = MakeTemplate();
    return template_;
  }

 private:
  Server() {
    if (const char* const given = std::getenv("SUGGEST_TEST_POSTGRES"); given != nullptr && *given != '\0') {
      connection_ = given;
    } else {
      own_ = std::make_unique<PrivatePostgres>();
      connection_ = own_->connection();
    }
    // libpqxx makes static tables at its first result. Made before this object is complete, they outlive it.
    RunSql(connection_, "SELECT 1");
  }

  ~Server() {
    if (!template_.empty()) RunSql(connection_, absl::StrCat("DROP DATABASE ", template_, " WITH (FORCE)"));
  }

  std::string MakeTemplate() {
    const std::string name = NewName();
    RunSql(connection_, absl::StrCat("CREATE DATABASE ", name, " TEMPLATE template0"));
    absl::StatusOr<std::unique_ptr<storage::Database>> db =
        storage::Database::Open({.connection = InDatabase(connection_, name)});
    CheckOk(db.status());
    CheckOk(storage::Migrate(**db, absl::FromUnixSeconds(1700000000)).status());
    return name;
  }

  std::unique_ptr<PrivatePostgres> own_;
  std::string connection_;
  std::string template_;
  std::atomic<int> databases_ = 0;
};

}  // namespace

TestDatabase::TestDatabase(Content content) : name_(Server::Get().NewName()) {
  Server& server = Server::Get();
  const std::string from = content == Content::kMigrated ? server.Template() : "template0";
  RunSql(server.connection(), absl::StrCat("CREATE DATABASE ", name_, " TEMPLATE ", from));
  connection_ = InDatabase(server.connection(), name_);
  database_ = OpenAnother();
}

TestDatabase::~TestDatabase() {
  database_.reset();
  RunSql(Server::Get().connection(), absl::StrCat("DROP DATABASE ", name_, " WITH (FORCE)"));
}

storage::DatabaseOptions TestDatabase::options() const {
  return {.connection = connection_};
}

std::unique_ptr<storage::Database> TestDatabase::OpenAnother(storage::DatabaseOptions options) const {
  absl::StatusOr<std::unique_ptr<storage::Database>> db = storage::Database::Open(std::move(options));
  CheckOk(db.status());
  return *std::move(db);
}

void TestDatabase::Execute(const std::string& sql) const {
  RunSql(connection_, sql);
}

std::vector<std::vector<std::string>> TestDatabase::Query(const std::string& sql) const {
  return RunSql(connection_, sql);
}

std::string TestDatabase::QueryOne(const std::string& sql) const {
  const std::vector<std::vector<std::string>> rows = Query(sql);
  if (rows.size() != 1) return absl::StrCat("(", rows.size(), " rows)");
  SUGGEST_CHECK(rows[0].size() == 1);
  return rows[0][0];
}

}  // namespace suggest::testing
