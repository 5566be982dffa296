#include "storage/postgres/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/postgres/database_internal.h"
#include "tests/support/private_postgres.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_database.h"

namespace suggest::storage {
namespace {

using suggest::testing::IsOk;
using suggest::testing::PrivatePostgres;
using suggest::testing::StatusIs;
using suggest::testing::TestDatabase;
using ::testing::HasSubstr;

std::string Ask(Database& db, const std::string& sql) {
  std::string answer;
  const absl::Status status = Autocommit(db, [&](pqxx::nontransaction& tx) {
    answer = tx.exec1(sql)[0].as<std::string>();
    return absl::OkStatus();
  });
  return status.ok() ? answer : status.ToString();
}

TEST(DatabaseTest, RefusesAPoolWithoutConnections) {
  EXPECT_THAT(Database::Open({.pool_size = 0}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("pool_size is 0")));
}

TEST(DatabaseTest, OpensWhilePostgresIsAwayAndSaysSoAtFirstUse) {
  ASSERT_OK_AND_ASSIGN(const auto db, Database::Open({.connection = "host=/nonexistent dbname=suggest"}));
  EXPECT_THAT(db->Ping(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("/nonexistent")));
  EXPECT_EQ(db->pool_status().lent, 0);
}

TEST(DatabaseTest, SaysThatAConnectionStringDoesNotParse) {
  ASSERT_OK_AND_ASSIGN(const auto db, Database::Open({.connection = "hots=/tmp"}));
  EXPECT_THAT(db->Ping(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("hots")));
}

TEST(DatabaseTest, EachConnectionHasOurSettings) {
  TestDatabase test;
  DatabaseOptions options = test.options();
  options.statement_timeout = absl::Seconds(7);
  options.application_name = "it's me";
  const auto db = test.OpenAnother(options);
  EXPECT_EQ(Ask(*db, "SHOW statement_timeout"), "7s");
  EXPECT_EQ(Ask(*db, "SHOW timezone"), "UTC");
  EXPECT_EQ(Ask(*db, "SHOW search_path"), "pg_catalog");
  EXPECT_EQ(Ask(*db, "SHOW application_name"), "it's me");
}

TEST(DatabaseTest, WhatADatabaseSetsForItsSessionsChangesNoResult) {
  TestDatabase test;
  const std::string name = test.QueryOne("SELECT current_database()");
  for (const char* setting :
       {"extra_float_digits = 0", "bytea_output = 'escape'", "datestyle = 'German'", "timezone = 'Asia/Kolkata'",
        "intervalstyle = 'sql_standard'", "array_nulls = off", "search_path = 'nowhere'", "lock_timeout = '1h'",
        "default_transaction_isolation = 'serializable'", "idle_session_timeout = '1h'",
        "client_encoding = 'LATIN1'"}) {
    test.Execute(absl::StrCat("ALTER DATABASE \"", name, "\" SET ", setting));
  }
  const auto db = test.OpenAnother();
  EXPECT_EQ(Ask(*db, "SELECT (0.1::float8 + 0.2::float8)::text"), "0.30000000000000004");
  EXPECT_EQ(Ask(*db, "SELECT '\\xff'::bytea::text"), "\\xff");
  EXPECT_EQ(Ask(*db, "SELECT timestamptz '2026-08-01 10:00:00Z'::text"), "2026-08-01 10:00:00+00");
  EXPECT_EQ(Ask(*db, "SELECT (interval '1 day 2 hours')::text"), "1 day 02:00:00");
  EXPECT_EQ(Ask(*db, "SELECT ('{NULL}'::text[])[1] IS NULL"), "t");
  EXPECT_EQ(Ask(*db, "SHOW transaction_isolation"), "read committed");
  EXPECT_EQ(Ask(*db, "SHOW lock_timeout"), "0");
  EXPECT_EQ(Ask(*db, "SHOW idle_session_timeout"), "0");
  EXPECT_EQ(Ask(*db, "SHOW client_encoding"), "UTF8");
}

TEST(DatabaseTest, TimesOfEveryYearComeBackAsTheyWereGiven) {
  TestDatabase test;
  for (const int year : {-4000, -1, 0, 1, 33, 99, 100, 1969, 2026, 9999, 10000, 200000}) {
    const absl::Time time =
        absl::FromCivil(absl::CivilSecond(year, 2, 28, 23, 59, 58), absl::UTCTimeZone()) + absl::Microseconds(250001);
    constexpr Statement kEchoTime = {"test_echo_time", "SELECT $1::timestamptz, date_part('year', $1::timestamptz)"};
    ASSERT_OK(Autocommit(test.database(), [&](pqxx::nontransaction& tx) {
      const pqxx::row row = Exec(tx, kEchoTime, ToSql(time))[0];
      EXPECT_EQ(ToTime(row[0]), time) << year << " " << row[0].c_str();
      EXPECT_EQ(row[1].as<int>(), year > 0 ? year : year - 1);
      return absl::OkStatus();
    }));
  }
}

TEST(DatabaseTest, AnInfiniteStatementTimeoutIsNone) {
  TestDatabase test;
  DatabaseOptions options = test.options();
  options.statement_timeout = absl::InfiniteDuration();
  EXPECT_EQ(Ask(*test.OpenAnother(options), "SHOW statement_timeout"), "0");
}

TEST(DatabaseTest, AStatementIsBoundedInTime) {
  TestDatabase test;
  DatabaseOptions options = test.options();
  options.statement_timeout = absl::Milliseconds(20);
  const auto db = test.OpenAnother(options);
  EXPECT_THAT(Ask(*db, "SELECT pg_sleep(60)"), HasSubstr("DEADLINE_EXCEEDED"));
  EXPECT_THAT(db->Ping(), IsOk());
}

TEST(DatabaseTest, ReusesAConnectionAndKeepsItAfterAFailedStatement) {
  TestDatabase test;
  const std::string backend = Ask(test.database(), "SELECT pg_backend_pid()");
  EXPECT_THAT(Ask(test.database(), "SELECT 1 / 0"), HasSubstr("division by zero"));
  EXPECT_EQ(Ask(test.database(), "SELECT pg_backend_pid()"), backend);
  EXPECT_EQ(test.database().pool_status().opened, 1);
}

TEST(DatabaseTest, RollsBackWhenTheBodyReturnsAnError) {
  TestDatabase test;
  test.Execute("CREATE TABLE public.t (x int)");
  const absl::Status status = InTransaction(test.database(), [](pqxx::work& tx) -> absl::Status {
    tx.exec("INSERT INTO public.t VALUES (1)");
    return absl::NotFoundError("no");
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(test.QueryOne("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(test.database().pool_status().idle, 1);
}

TEST(DatabaseTest, AnIdleConnectionThatTheServerEndedIsReplacedUnseen) {
  TestDatabase test;
  const std::string backend = Ask(test.database(), "SELECT pg_backend_pid()");
  test.Execute(absl::StrCat("SELECT pg_terminate_backend(", backend, ", 10000)"));
  EXPECT_NE(Ask(test.database(), "SELECT pg_backend_pid()"), backend);
  EXPECT_EQ(test.database().pool_status().thrown_away, 1);
}

TEST(DatabaseTest, AConnectionThatBreaksInATransactionFailsItAndIsThrownAway) {
  TestDatabase test;
  test.Execute("CREATE TABLE public.t (x int)");
  const absl::Status status = InTransaction(test.database(), [&](pqxx::work& tx) {
    tx.exec("INSERT INTO public.t VALUES (1)");
    const std::string backend = tx.exec1("SELECT pg_backend_pid()")[0].as<std::string>();
    test.Execute(absl::StrCat("SELECT pg_terminate_backend(", backend, ", 10000)"));
    for (int attempt = 0; attempt < 4; ++attempt) {
      try {
        tx.exec("INSERT INTO public.t VALUES (2)");
        ADD_FAILURE() << "ran on another session, at attempt " << attempt;
      } catch (const pqxx::failure&) {
        if (attempt == 3) throw;
      }
    }
    return absl::OkStatus();
  });
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(test.QueryOne("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(test.database().pool_status().thrown_away, 1);
  EXPECT_THAT(test.database().Ping(), IsOk());
}

TEST(DatabaseTest, ANewConnectionPreparesItsStatementsAgain) {
  TestDatabase test;
  constexpr Statement kDouble = {"test_double", "SELECT 2 * $1::int"};
  for (int i = 1; i <= 2; ++i) {
    EXPECT_THAT(Autocommit(test.database(),
                           [&](pqxx::nontransaction& tx) {
                             EXPECT_EQ(Exec(tx, kDouble, i)[0][0].as<int>(), 2 * i);
                             return absl::OkStatus();
                           }),
                IsOk());
    const std::string backend = Ask(test.database(), "SELECT pg_backend_pid()");
    test.Execute(absl::StrCat("SELECT pg_terminate_backend(", backend, ", 10000)"));
  }
  EXPECT_EQ(test.database().pool_status().opened, 2);
}

TEST(DatabaseTest, WaitsForAConnectionOnlySoLong) {
  TestDatabase test;
  DatabaseOptions options = test.options();
  options.pool_size = 1;
  options.checkout_timeout = absl::Milliseconds(10);
  const auto db = test.OpenAnother(options);
  const absl::Status outer = Autocommit(*db, [&](pqxx::nontransaction&) {
    EXPECT_THAT(db->Ping(), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("pool_size is 1")));
    return absl::OkStatus();
  });
  EXPECT_THAT(outer, IsOk());
  EXPECT_THAT(db->Ping(), IsOk());
}

TEST(DatabaseTest, AWaiterGetsTheConnectionThatIsReturned) {
  TestDatabase test;
  DatabaseOptions options = test.options();
  options.pool_size = 2;
  options.checkout_timeout = absl::Minutes(1);
  const auto db = test.OpenAnother(options);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 20; ++k) EXPECT_THAT(db->Ping(), IsOk());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(db->pool_status().opened, 2);
  EXPECT_EQ(db->pool_status().lent, 0);
}

TEST(DatabaseTest, WorksAgainOnceAStoppedPostgresIsBack) {
  PrivatePostgres postgres;
  ASSERT_OK_AND_ASSIGN(const auto db, Database::Open({.connection = postgres.connection()}));
  EXPECT_THAT(db->Ping(), IsOk());
  postgres.StopImmediately();
  EXPECT_THAT(db->Ping(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(db->Ping(), StatusIs(absl::StatusCode::kUnavailable));
  postgres.Start();
  EXPECT_THAT(db->Ping(), IsOk());
}

}  // namespace
}  // namespace suggest::storage
