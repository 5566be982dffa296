#include "storage/postgres/session_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
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

// pgbouncer does not run as root: then it runs as the owner of the server's socket, who may reach it.
std::string UserSetting(const std::string& connection) {
  if (geteuid() != 0) return "";
  const size_t host = connection.find("host=/");
  if (host == std::string::npos) return "user = nobody\n";
  struct stat folder = {};
  const std::string path = connection.substr(host + 5, connection.find(' ', host) - host - 5);
  const passwd* owner = stat(path.c_str(), &folder) == 0 ? getpwuid(folder.st_uid) : nullptr;
  return absl::StrCat("user = ", owner == nullptr ? "nobody" : owner->pw_name, "\n");
}

// A pooler on a Unix socket in its own folder, until its end.
class Pgbouncer {
 public:
  Pgbouncer(const TestDatabase& database, const std::string& settings) {
    chmod(folder_.path().c_str(), 0777);
    const std::string config = folder_.Write(
        "b.ini", absl::StrCat("[databases]\npooled = ", database.connection(), " pool_size=4\n[pgbouncer]\n",
                              "listen_port = 6432\nunix_socket_dir = ", folder_.path(),
                              "\nauth_type = any\npidfile =\n", UserSetting(database.connection()), settings, "\n"));
    int log[2];
    EXPECT_EQ(pipe(log), 0);
    process_ = fork();
    if (process_ == 0) {
      dup2(log[1], STDERR_FILENO);
      execl(FindPgbouncer().c_str(), "pgbouncer", config.c_str(), nullptr);
      _exit(127);
    }
    close(log[1]);
    log_ = log[0];
    AwaitStart();
  }
  ~Pgbouncer() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    close(log_);
  }
  std::string connection() const {
    return absl::StrCat("host=", folder_.path(), " port=6432 dbname=pooled user=suggest");
  }

 private:
  // Reads what it logs until it says that it listens, or ends.
  void AwaitStart() {
    std::string said;
    char c = 0;
    while (!absl::StrContains(said, "process up") && read(log_, &c, 1) == 1) said += c;
    EXPECT_TRUE(absl::StrContains(said, "process up")) << said;
  }

  TemporaryFolder folder_;
  pid_t process_ = -1;
  int log_ = -1;
};

absl::Status Answer(const TestDatabase& test, const Pgbouncer& pooler) {
  DatabaseOptions options = test.options();
  options.connection = pooler.connection();
  return test.OpenAnother(options)->Ping();
}

TEST(SessionCheckTest, APoolerInTransactionModeIsRefusedWithTheRemedy) {
  if (FindPgbouncer().empty()) GTEST_SKIP() << "pgbouncer is not installed";
  TestDatabase test;
  for (const char* settings : {"pool_mode = transaction", "pool_mode = transaction\nserver_round_robin = 1"}) {
    const Pgbouncer pooler(test, settings);
    EXPECT_THAT(Answer(test, pooler),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("use its session mode")))
        << settings;
  }
}

TEST(SessionCheckTest, APoolerInSessionModeWorks) {
  if (FindPgbouncer().empty()) GTEST_SKIP() << "pgbouncer is not installed";
  TestDatabase test;
  const Pgbouncer pooler(test, "pool_mode = session");
  EXPECT_THAT(Answer(test, pooler), IsOk());
}

TEST(SessionCheckTest, ADirectConnectionHasItsOwnSession) {
  TestDatabase test;
  pqxx::connection connection(test.connection());
  EXPECT_NO_THROW(CheckOwnSession(connection, test.connection()));
}

}  // namespace
}  // namespace suggest::storage
