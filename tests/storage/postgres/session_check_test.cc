#include "storage/postgres/session_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/postgres/database_internal.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using suggest::testing::IsOk;
using suggest::testing::StatusIs;
using suggest::testing::TemporaryFolder;
using suggest::testing::TestDatabase;
using ::testing::HasSubstr;

std::string FindPgbouncer() {
  for (const char* path : {"/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"}) {
    if (access(path, X_OK) == 0) return path;
  }
  return "";
}

// A pooler on a Unix socket in its own folder, until its end.
class Pgbouncer {
 public:
  Pgbouncer(const TestDatabase& database, const std::string& settings) {
    chmod(folder_.path().c_str(), 0777);
    const std::string config = folder_.Write(
        "b.ini", absl::StrCat("[databases]\npooled = ", database.connection(), " pool_size=4\n[pgbouncer]\n",
                              "listen_port = 6432\nunix_socket_dir = ", folder_.path(),
                              "\nauth_type = any\nuser = nobody\npidfile =\n", settings, "\n"));
    process_ = fork();
    if (process_ == 0) {
      execl(FindPgbouncer().c_str(), "pgbouncer", "-q", config.c_str(), nullptr);
      _exit(127);
    }
  }
  ~Pgbouncer() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  std::string connection() const {
    return absl::StrCat("host=", folder_.path(), " port=6432 dbname=pooled user=suggest");
  }

 private:
  TemporaryFolder folder_;
  pid_t process_ = -1;
};

// The first answer that is not "nobody listens yet".
absl::Status FirstAnswer(const TestDatabase& test, const Pgbouncer& pooler) {
  DatabaseOptions options = test.options();
  options.connection = pooler.connection();
  const auto database = test.OpenAnother(options);
  absl::Status status = absl::UnavailableError("");
  for (int i = 0; i < 200000 && absl::IsUnavailable(status); ++i) status = database->Ping();
  return status;
}

TEST(SessionCheckTest, APoolerInTransactionModeIsRefusedWithTheRemedy) {
  if (FindPgbouncer().empty()) GTEST_SKIP() << "pgbouncer is not installed";
  TestDatabase test;
  for (const char* settings : {"pool_mode = transaction", "pool_mode = transaction\nserver_round_robin = 1"}) {
    const Pgbouncer pooler(test, settings);
    EXPECT_THAT(FirstAnswer(test, pooler),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("use its session mode")))
        << settings;
  }
}

TEST(SessionCheckTest, APoolerInSessionModeWorks) {
  if (FindPgbouncer().empty()) GTEST_SKIP() << "pgbouncer is not installed";
  TestDatabase test;
  const Pgbouncer pooler(test, "pool_mode = session");
  EXPECT_THAT(FirstAnswer(test, pooler), IsOk());
}

TEST(SessionCheckTest, ADirectConnectionHasItsOwnSession) {
  TestDatabase test;
  pqxx::connection connection(test.connection());
  EXPECT_NO_THROW(CheckOwnSession(connection, test.connection()));
}

}  // namespace
}  // namespace suggest::storage
