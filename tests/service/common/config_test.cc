#include "service/common/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/protobuf/util/message_differencer.h"
#include "tests/service/decision/decision_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace suggest {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::suggest::decision::TestConfig;
using ::suggest::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ConfigTest, EveryFieldHasItsDefaultAfterLoading) {
  const config::v1::Config config = TestConfig();
  EXPECT_EQ(config.server().grpc_address(), "127.0.0.1:7070");
  EXPECT_EQ(config.server().http_address(), "127.0.0.1:7080");
  EXPECT_EQ(config.server().drain_timeout().seconds(), 10);
  EXPECT_EQ(config.server().max_concurrent_requests(), 256);
  EXPECT_EQ(config.database().pool_size(), 8);
  EXPECT_EQ(config.database().model_poll().nanos(), 500'000'000);
  EXPECT_EQ(config.database().commit().durability(), config::v1::Commit::SYNC);
  EXPECT_EQ(config.database().commit().writers(), 2);
  EXPECT_EQ(config.database().commit().max_batch(), 128);
  EXPECT_EQ(config.database().commit().queue_length(), 8192);
  EXPECT_EQ(config.database().customer_cache().max_entries(), 100'000);
  EXPECT_EQ(config.database().customer_cache().change_detection(), config::v1::CustomerCache::AUTO);
  EXPECT_EQ(config.database().hold_for().seconds(), 5);
  EXPECT_EQ(config.server().max_response_bytes(), 4 << 20);
  EXPECT_EQ(config.learning().attribution_window().seconds(), 70 * 86400);
  EXPECT_EQ(config.learning().prior_mean_delay().seconds(), 70 * 86400 / 4);
  EXPECT_EQ(config.learning().learning_window().seconds(), 365 * 86400);
  EXPECT_EQ(config.learning().delay_mode(), config::v1::Learning::EXPOSURE);
  EXPECT_DOUBLE_EQ(config.learning().noise_beta(), 5 * 0.1 * 0.9);
  EXPECT_EQ(config.choice().policy(), v1::THOMPSON);
  EXPECT_EQ(config.choice().exploration_floor(), 0.02);
  EXPECT_EQ(config.choice().sticky_for().seconds(), 30 * 60);
  EXPECT_EQ(config.choice().fallback_policy(), v1::POPULAR);
}

TEST(ConfigTest, ADecisionLingersByDefaultOnlyWhereNobodyWaitsForIt) {
  EXPECT_EQ(TestConfig("").database().commit().linger().nanos(), 0);
  EXPECT_EQ(TestConfig("database { commit { durability: ASYNC } }").database().commit().linger().nanos(), 10'000'000);
  EXPECT_EQ(TestConfig("database { commit { durability: ASYNC linger {} } }").database().commit().linger().nanos(), 0);
}

TEST(ConfigTest, ZeroStaysZeroWhereItIsSaidAloud) {
  const config::v1::Config config = TestConfig(
      "choice { floor_off: true sticky_for {} model_max_age {} } learning { grace {} visibility_lag {} "
      "learning_window {} } database { hold_for {} customer_cache { max_entries: 0 } }");
  EXPECT_EQ(config.database().hold_for().seconds(), 0);
  EXPECT_EQ(config.database().customer_cache().max_entries(), 0);
  EXPECT_EQ(config.choice().exploration_floor(), 0);
  EXPECT_EQ(config.choice().sticky_for().seconds(), 0);
  EXPECT_EQ(config.choice().model_max_age().seconds(), 0);
  EXPECT_EQ(config.learning().grace().seconds(), 0);
  EXPECT_EQ(config.learning().learning_window().seconds(), 0);
}

TEST(ConfigTest, PrintedConfigurationLoadsAsItself) {
  const config::v1::Config config = TestConfig("choice { exploration_scale: 0.1 }");
  const auto again = ParseConfig(PrintConfig(config), "printed");
  ASSERT_THAT(again, ::suggest::testing::IsOk());
  EXPECT_TRUE(MessageDifferencer::Equals(*again, config));
}

TEST(ConfigTest, SyntaxErrorsNameFileLineAndColumn) {
  EXPECT_THAT(
      ParseConfig("server {\n  grpc_adress: \"x\"\n}\n", "a.textproto"),
      StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("a.textproto:2:"), HasSubstr("grpc_adress"))));
}

TEST(ConfigTest, AMissingFileIsNamed) {
  EXPECT_THAT(LoadConfig("/nonexistent/suggest.textproto"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nonexistent/suggest.textproto")));
}

TEST(ConfigTest, LoadsAFile) {
  const testing::TemporaryFolder folder;
  const auto config = LoadConfig(folder.Write("suggest.textproto", decision::kTestConfig));
  ASSERT_THAT(config, ::suggest::testing::IsOk());
  EXPECT_EQ(config->money().currency(), "EUR");
}

TEST(ConfigTest, ReportsAllProblemsAtOnce) {
  EXPECT_THAT(ParseConfig("server { grpc_address: 'nowhere' } money { reward_cap: 0 }", "bad"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("server.grpc_address is 'nowhere'"), HasSubstr("database.connection is missing"),
                             HasSubstr("money.currency is ''"), HasSubstr("money.reward_cap is 0"))));
}

struct BadSetting {
  const char* text;
  const char* message;
};

class ConfigRefusesTest : public ::testing::TestWithParam<BadSetting> {};

TEST_P(ConfigRefusesTest, NamesFieldAndValue) {
  EXPECT_THAT(ParseConfig(decision::TestConfigText(GetParam().text), "bad"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(GetParam().message)));
}

TEST(ConfigTest, ADelayModeOfTheLaboratoryIsRefusedWithThoseThereAre) {
  EXPECT_THAT(ParseConfig("learning { delay_mode: ES_DFM_IW }", "bad"),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("ES_DFM_IW"), HasSubstr("EXPOSURE"))));
}

INSTANTIATE_TEST_SUITE_P(
    Settings, ConfigRefusesTest,
    ::testing::Values(
        BadSetting{"server { http_address: '127.0.0.1:70000' }", "server.http_address is '127.0.0.1:70000'"},
        BadSetting{"server { ops_address: 'nowhere' }", "server.ops_address is 'nowhere'"},
        BadSetting{"server { http_hosts: 'https://a.example' }", "server.http_hosts is 'https://a.example'"},
        BadSetting{"server { drain_timeout { seconds: -1 } }", "server.drain_timeout is -1s"},
        BadSetting{"server { max_concurrent_requests: -1 }", "server.max_concurrent_requests is -1"},
        BadSetting{"server { max_request_bytes: 10 }", "server.max_request_bytes is 10"},
        BadSetting{"database { connection: 'password=secret' }", "database.connection holds a password"},
        BadSetting{"database { spool: ':memory:' }", "database.spool is ':memory:', expected the path of a file"},
        BadSetting{"database { spool: 'FILE:x?mode=memory' }", "database.spool is 'FILE:x?mode=memory'"},
        BadSetting{"source { time_zone: 'Berlin' }", "source.time_zone is 'Berlin', expected an IANA name"},
        BadSetting{"server { batch_in_flight: 1001 }", "server.batch_in_flight is 1001"},
        BadSetting{"database { pool_size: 1 }", "database.pool_size is 1, expected 2 to 1000"},
        BadSetting{"database { spool_max_bytes: 1000 }", "database.spool_max_bytes is 1000"},
        BadSetting{"database { statement_timeout {} }", "database.statement_timeout is 0"},
        BadSetting{"database { model_poll { seconds: 2 } }", "database.model_poll is 2s"},
        BadSetting{"database { catalogue_poll {} }", "database.catalogue_poll is 0"},
        BadSetting{"server { max_response_bytes: 10 }", "server.max_response_bytes is 10"},
        BadSetting{"server { max_transport_bytes: 10 }", "server.max_transport_bytes is 10"},
        BadSetting{"server { keepalive_time { nanos: 1 } }", "server.keepalive_time is 1ns"},
        BadSetting{"server { keepalive_timeout {} }", "server.keepalive_timeout is 0"},
        BadSetting{"server { method_limits { key: 'Sugest' value: 1 } }",
                   "server.method_limits['Sugest'] names no method"},
        BadSetting{"server { method_limits { key: 'Suggest' value: 0 } }", "server.method_limits['Suggest'] is 0"},
        BadSetting{"database { commit { writers: 17 } }", "database.commit.writers is 17"},
        BadSetting{"database { commit { max_batch: 1001 } }", "database.commit.max_batch is 1001"},
        BadSetting{"database { commit { linger { seconds: 2 } } }", "database.commit.linger is 2s"},
        BadSetting{"database { commit { queue_length: -1 } }", "database.commit.queue_length is -1"},
        BadSetting{"database { customer_cache { max_entries: -1 } }", "database.customer_cache.max_entries is -1"},
        BadSetting{"database { customer_cache { max_bytes: 1 } }", "database.customer_cache.max_bytes is 1"},
        BadSetting{"database { customer_cache { max_age { seconds: 2 } } }", "database.customer_cache.max_age is 2s"},
        BadSetting{"database { hold_for { seconds: 61 } }", "database.hold_for is 1m1s"},
        BadSetting{"database { max_held_requests: -1 }", "database.max_held_requests is -1"},
        BadSetting{"features { features { name: 'pages' side: CUSTOMER } }", "pages"},
        BadSetting{"learning { attribution_window { seconds: -1 } }", "learning.attribution_window is -1s"},
        BadSetting{"learning { grace { seconds: -5 } }", "learning.grace is -5s"},
        BadSetting{"learning { visibility_lag { seconds: 172800 } }", "learning.visibility_lag is 48h"},
        BadSetting{"learning { outage_after { seconds: 60 } }", "learning.outage_after is 1m"},
        BadSetting{"learning { delay_strata { values: 'a' } }", "learning.delay_strata.attribute is ''"},
        BadSetting{"learning { delay_strata { attribute: 'x' } }", "learning.delay_strata is 0 values and 0 bounds"},
        BadSetting{"learning { delay_strata { attribute: 'x' values: 'a' bounds: 1 } }", "1 values and 1 bounds"},
        BadSetting{"learning { delay_strata { attribute: 'x' values: 'other' } }", "values is 'other'"},
        BadSetting{"learning { delay_strata { attribute: 'x' bounds: [2, 1] } }", "bounds[1] is 1"},
        BadSetting{"learning { delay_mode: 6 }", "is none of FAKE_NEGATIVE, WAIT, EXPOSURE"},
        BadSetting{"learning { es_dfm { refresh_period {} } }", "learning.es_dfm.refresh_period is 0"},
        BadSetting{"learning { es_dfm { ridge: -1 } }", "learning.es_dfm.ridge is -1"},
        BadSetting{"learning { es_dfm { max_rows: 7 } }", "learning.es_dfm.max_rows is 7"},
        BadSetting{"learning { learning_window { seconds: 100 } }", "learning.learning_window is 1m40s"},
        BadSetting{"learning { learning_window { seconds: 12182400 } }", "at least 2 (attribution_window + grace)"},
        BadSetting{"learning { prior_mean_delay { seconds: 60480000 } }", "learning.prior_mean_delay is 16800h"},
        BadSetting{"learning { ingest_period {} }", "learning.ingest_period is 0"},
        BadSetting{"learning { clock_skew_tolerance { seconds: -1 } }", "learning.clock_skew_tolerance is -1s"},
        BadSetting{"learning { discount_per_day: 1.5 }", "learning.discount_per_day is 1.5"},
        BadSetting{"learning { prior_delay_strength: -1 }", "learning.prior_delay_strength is -1"},
        BadSetting{"learning { ridge: -1 }", "learning.ridge is -1"},
        BadSetting{"learning { intercept_ridge: inf }", "learning.intercept_ridge is inf"},
        BadSetting{"learning { base_rate: 2 }", "learning.base_rate is 2"},
        BadSetting{"learning { noise_variance: nan }", "learning.noise_variance is nan"},
        BadSetting{"learning { noise_alpha: 1 }", "learning.noise_alpha is 1"},
        BadSetting{"learning { noise_beta: -1 }", "learning.noise_beta is -1"},
        BadSetting{"learning { chunk_rows: -1 }", "learning.chunk_rows is -1"},
        BadSetting{"learning { max_set_aside_share: 1.5 }", "learning.max_set_aside_share is 1.5"},
        BadSetting{"learning { max_vanished_share: -1 }", "learning.max_vanished_share is -1"},
        BadSetting{"choice { policy: EXPERT }", "choice.policy is EXPERT"},
        BadSetting{"choice { exploration_scale: -0.5 }", "choice.exploration_scale is -0.5"},
        BadSetting{"choice { exploration_floor: 1.5 }", "choice.exploration_floor is 1.5"},
        BadSetting{"choice { exploration_floor: 0.5 floor_off: true }", "choice.exploration_floor is 0.5"},
        BadSetting{"choice { propensity_draws: 1 }", "choice.propensity_draws is 1"},
        BadSetting{"choice { propensity_time { seconds: -1 } }", "choice.propensity_time is -1s"},
        BadSetting{"choice { sticky_for { seconds: -1 } }", "choice.sticky_for is -1s"},
        BadSetting{"choice { model_max_age { seconds: -1 } }", "choice.model_max_age is -1s"},
        BadSetting{"choice { fallback_policy: GREEDY }", "choice.fallback_policy is GREEDY"},
        BadSetting{"money { currency: 'euro' }", "money.currency is 'euro'"},
        BadSetting{"money { reward_cap: -3 }", "money.reward_cap is -3"},
        BadSetting{"money { conversion { key: 'USD' value: 0 } }", "money.conversion['USD'] is 0"},
        BadSetting{"money { conversion { key: 'dollar' value: 1 } }", "money.conversion['dollar'] names no currency"},
        BadSetting{"money { conversion { key: 'EUR' value: 1 } }", "money.conversion['EUR'] is money.currency"}));

TEST(ConfigTest, AReloadTakesLiveFieldsOnlyAndNamesTheRest) {
  const config::v1::Config running = TestConfig();
  const config::v1::Config next = TestConfig(
      "choice { policy: GREEDY propensity_draws: 96 } server { drain_timeout { seconds: 3 } http_address: "
      "'127.0.0.1:1' } database { pool_size: 3 }");
  std::vector<std::string> ignored;
  const config::v1::Config merged = ApplyLiveFields(running, next, &ignored);
  EXPECT_EQ(merged.choice().policy(), v1::GREEDY);
  EXPECT_EQ(merged.server().drain_timeout().seconds(), 3);
  EXPECT_EQ(merged.choice().propensity_draws(), running.choice().propensity_draws());
  EXPECT_EQ(merged.server().http_address(), running.server().http_address());
  EXPECT_EQ(merged.database().pool_size(), running.database().pool_size());
  EXPECT_THAT(ignored, ElementsAre("server", "database", "choice.propensity_draws"));
}

TEST(ConfigTest, DurationsKeepTheirNanoseconds) {
  for (const absl::Duration d : {absl::Milliseconds(1), absl::Seconds(-3) - absl::Nanoseconds(5), absl::Hours(1700)}) {
    EXPECT_EQ(ToAbslDuration(ToProtoDuration(d)), d);
  }
}

}  // namespace
}  // namespace suggest
