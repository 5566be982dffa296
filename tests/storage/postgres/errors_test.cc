#include "storage/postgres/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "storage/postgres/database_internal.h"
#include "tests/support/raw_sql.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using suggest::testing::IsOk;
using suggest::testing::SqlSession;
using suggest::testing::StatusIs;
using suggest::testing::TestDatabase;
using suggest::testing::WaitUntilSomeoneIsBlocked;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ErrorsTest : public ::testing::Test {
 protected:
  absl::Status Run(const std::string& sql) {
    return InTransaction(test_.database(), [&](pqxx::work& tx) {
      tx.exec(sql);
      return absl::OkStatus();
    });
  }

  TestDatabase test_{TestDatabase::Content::kEmpty};
};

TEST_F(ErrorsTest, UniqueViolationIsAlreadyExists) {
  test_.Execute("CREATE TABLE public.t (x int PRIMARY KEY)");
  EXPECT_THAT(Run("INSERT INTO public.t VALUES (1), (1)"),
              StatusIs(absl::StatusCode::kAlreadyExists, AllOf(HasSubstr("t_pkey"), Not(HasSubstr("\n")))));
}

TEST_F(ErrorsTest, OtherIntegrityViolationsAreFailedPrecondition) {
  test_.Execute("CREATE TABLE public.t (x int NOT NULL CHECK (x > 0) UNIQUE, y int REFERENCES t (x))");
  EXPECT_THAT(Run("INSERT INTO public.t VALUES (NULL)"), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Run("INSERT INTO public.t VALUES (-1)"), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Run("INSERT INTO public.t VALUES (1, 2)"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(ErrorsTest, WhatDoesNotExistIsFailedPrecondition) {
  EXPECT_THAT(Run("SELECT * FROM suggest.decisions"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("suggest.decisions")));
  test_.Execute("CREATE TABLE public.t (x int)");
  EXPECT_THAT(Run("SELECT nothing FROM public.t"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("nothing")));
  EXPECT_THAT(Run("CREATE TABLE nowhere.t (x int)"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(ErrorsTest, ARowOfAViewThatCannotBeComputedIsInternalAndDoesNotShowTheRow) {
  test_.Execute(
      "CREATE FUNCTION public.refuse(t text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'no such %', t; END $$");
  for (const char* sql : {"SELECT ('sec' || 'ret')::int", "SELECT ('secret' || now())::timestamptz",
                          "SELECT 1 / (length('secret') - 6)", "SELECT public.refuse('secret')"}) {
    const absl::Status status = Run(sql);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal,
                                 AllOf(HasSubstr("suggestctl doctor names the view"), Not(HasSubstr("secret")))))
        << sql;
    EXPECT_TRUE(IsFaultOfSource(status));
    EXPECT_NE(OperatorWords(status), status.message());
  }
  EXPECT_THAT(OperatorWords(Run("SELECT ('sec' || 'ret')::int")), HasSubstr("\"secret\""));
  EXPECT_EQ(test_.database().pool_status().thrown_away, 0);
}

TEST_F(ErrorsTest, TextThatIsNotUtf8IsInvalidArgument) {
  EXPECT_THAT(Run("SELECT '\xff'"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ErrorsTest, WhatAConstraintRefusesIsNamedWithoutItsRow) {
  test_.Execute("CREATE TABLE public.t (x text PRIMARY KEY)");
  EXPECT_THAT(Run("INSERT INTO public.t VALUES ('secret'), ('secret')"),
              StatusIs(absl::StatusCode::kAlreadyExists, AllOf(HasSubstr("t_pkey"), Not(HasSubstr("secret")))));
}

TEST_F(ErrorsTest, TextWithANulByteIsRefusedInsteadOfCut) {
  constexpr Statement kEcho = {"test_echo", "SELECT $1::text"};
  const absl::Status status = Autocommit(test_.database(), [&](pqxx::nontransaction& tx) {
    Exec(tx, kEcho, std::string("abc\0def", 7));
    return absl::OkStatus();
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'abc'")));
}

TEST_F(ErrorsTest, SerializationFailureIsAborted) {
  test_.Execute("CREATE TABLE public.t (x int); INSERT INTO t VALUES (1)");
  const absl::Status status = InTransaction(test_.database(), [&](pqxx::work& tx) {
    tx.exec("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    tx.exec("SELECT * FROM public.t");
    test_.Execute("UPDATE t SET x = 2");
    tx.exec("UPDATE public.t SET x = 3");
    return absl::OkStatus();
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAborted));
}

TEST_F(ErrorsTest, DeadlockIsAborted) {
  test_.Execute("CREATE TABLE public.a (x int); CREATE TABLE public.b (x int)");
  SqlSession other(test_.connection());
  other.Run("SET deadlock_timeout = '1h'; SET lock_timeout = '20s'");
  std::thread waiting;
  const absl::Status status = InTransaction(test_.database(), [&](pqxx::work& tx) {
    tx.exec("SET LOCAL deadlock_timeout = '1ms'");
    tx.exec("LOCK TABLE public.a");
    other.Run("BEGIN; LOCK TABLE b");
    waiting = std::thread([&] { other.Run("LOCK TABLE a; COMMIT"); });
    WaitUntilSomeoneIsBlocked(test_.connection());
    tx.exec("LOCK TABLE public.b");
    return absl::OkStatus();
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAborted, HasSubstr("deadlock")));
  waiting.join();
}

TEST_F(ErrorsTest, ALockThatIsNotFreeIsAborted) {
  test_.Execute("CREATE TABLE public.t (x int)");
  SqlSession other(test_.connection());
  other.Run("BEGIN; LOCK TABLE t");
  EXPECT_THAT(Run("LOCK TABLE public.t NOWAIT"), StatusIs(absl::StatusCode::kAborted));
}

TEST_F(ErrorsTest, ABackendThatIsEndedIsUnavailable) {
  EXPECT_THAT(Run("SELECT pg_terminate_backend(pg_backend_pid())"), StatusIs(absl::StatusCode::kUnavailable));
}

// A deferred constraint trigger runs inside COMMIT: the connection breaks there.
TEST_F(ErrorsTest, AConnectionLostDuringCommitIsUnknown) {
  test_.Execute(
      "CREATE TABLE public.t (x int); "
      "CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; "
      "CREATE CONSTRAINT TRIGGER hang_up AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED "
      "FOR EACH ROW EXECUTE FUNCTION hang_up()");
  EXPECT_THAT(Run("INSERT INTO public.t VALUES (1)"), StatusIs(absl::StatusCode::kUnknown));
  EXPECT_EQ(test_.database().pool_status().thrown_away, 1);
  EXPECT_THAT(test_.database().Ping(), IsOk());
}

TEST_F(ErrorsTest, TooManyConnectionsIsResourceExhausted) {
  test_.Execute("CREATE ROLE test_limited LOGIN CONNECTION LIMIT 0");
  const auto limited = test_.OpenAnother({.connection = test_.connection() + " user=test_limited"});
  EXPECT_THAT(limited->Ping(), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("too many connections")));
  test_.Execute("DROP ROLE test_limited");
}

TEST_F(ErrorsTest, WhatIsNotPermittedIsFailedPrecondition) {
  test_.Execute("CREATE TABLE public.t (x int); CREATE ROLE test_stranger");
  EXPECT_THAT(Run("SET LOCAL ROLE test_stranger; SELECT * FROM public.t"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("permission denied")));
  test_.Execute("DROP ROLE test_stranger");
}

TEST_F(ErrorsTest, AStatementThatTakesTooLongIsDeadlineExceeded) {
  EXPECT_THAT(Run("SET LOCAL statement_timeout = '1ms'; SELECT pg_sleep(60)"),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(ErrorsTest, AStandbyIsUnavailableForWrites) {
  test_.Execute("CREATE TABLE public.t (x int)");
  EXPECT_THAT(Run("SET TRANSACTION READ ONLY; INSERT INTO public.t VALUES (1)"),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ErrorsTest, AStoredValueThatCannotBeConvertedIsDataLoss) {
  const absl::Status status = Autocommit(test_.database(), [&](pqxx::nontransaction& tx) {
    tx.exec1("SELECT 'x'")[0].as<int>();
    return absl::OkStatus();
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(ToStatus(CorruptValue("bad")), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("bad")));
}

TEST_F(ErrorsTest, WhatNobodyForesawIsInternal) {
  EXPECT_THAT(Run("SELEC 1"), StatusIs(absl::StatusCode::kInternal, HasSubstr("SELEC")));
}

}  // namespace
}  // namespace suggest::storage
