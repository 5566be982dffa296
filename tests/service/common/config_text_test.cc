#include "service/common/config_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "service/common/config.h"
#include "service/common/connection_string.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace suggest {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSmallConfig[] =
    "database { connection: 'host=x' } money { currency: 'EUR' reward_cap: 1 } features { features { name: 'a' side: "
    "CUSTOMER numeric { column: 'a' } } } ";

std::string Rewritten(const std::string& text) {
  const absl::StatusOr<std::string> plain = ToTextFormat(text, "a.textproto", config::v1::Config::descriptor());
  return plain.ok() ? *plain : std::string(plain.status().message());
}

TEST(ConfigTextTest, DurationsAreReadAsPeopleWriteThem) {
  EXPECT_EQ(*ReadDurationText("14d"), absl::Hours(14 * 24));
  EXPECT_EQ(*ReadDurationText("36h"), absl::Hours(36));
  EXPECT_EQ(*ReadDurationText("1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ReadDurationText(" 2 weeks "), absl::Hours(14 * 24));
  EXPECT_EQ(*ReadDurationText("1 day 12 hours"), absl::Hours(36));
  EXPECT_EQ(*ReadDurationText("0.5s"), absl::Milliseconds(500));
  EXPECT_EQ(*ReadDurationText("250ms"), absl::Milliseconds(250));
  EXPECT_EQ(*ReadDurationText("-5m"), -absl::Minutes(5));
  EXPECT_EQ(*ReadDurationText("0"), absl::ZeroDuration());
  for (const char* text : {"", "14", "14 x", "d", "1..5h", "-", "h1", "1e300d", "99999999w"}) {
    EXPECT_THAT(ReadDurationText(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is not a duration")))
        << text;
  }
}

TEST(ConfigTextTest, ATextOrABareWordStandsForADurationAndTheOldFormStays) {
  EXPECT_EQ(Rewritten("learning { grace: \"36h\" }"), "learning { grace: { seconds: 129600 nanos: 0 } }");
  EXPECT_EQ(Rewritten("learning: < grace: 14d >"), "learning: < grace: { seconds: 1209600 nanos: 0 } >");
  for (const char* text : {"learning { grace { seconds: 5 } }", "learning { grace: { seconds: 5 nanos: 1 } } # 14d",
                           "database { connection: 'a{b}\\'#c' }\nmoney { conversion { key: \"USD\" value: 0.9 } }",
                           "learning { delay_strata { bounds: [2, 5] values: ['a', \"b\"] } }"}) {
    EXPECT_EQ(Rewritten(text), text);
  }
  const auto config =
      ParseConfig(absl::StrCat(kSmallConfig, "learning { grace: '2d' } choice { sticky_for: 5m }"), "c");
  ASSERT_THAT(config, ::suggest::testing::IsOk());
  EXPECT_EQ(config->learning().grace().seconds(), 2 * 86400);
  EXPECT_EQ(config->choice().sticky_for().seconds(), 300);
}

TEST(ConfigTextTest, AWrongDurationNamesPlaceFieldValueAndRemedy) {
  EXPECT_EQ(
      Rewritten("server {}\nlearning {\n  grace: \"soon\"\n}"),
      "a.textproto:3:10: grace: 'soon' is not a duration such as \"14d\", \"36h\", \"1h30m\" or \"500ms\" (w, d, h, "
      "m, s, ms, us, ns)");
}

TEST(ConfigTextTest, UnknownFieldsAndEnumValuesAnswerWithWhatThereIs) {
  EXPECT_EQ(Rewritten("money { curency: \"EUR\" }"),
            "a.textproto:1:9: Money has no field 'curency'; it has currency, reward_cap, conversion");
  EXPECT_THAT(Rewritten("\nlerning { }"), HasSubstr("a.textproto:2:1: Config has no field 'lerning'; it has server,"));
  EXPECT_EQ(Rewritten("learning { exposure_event: CEPT }"),
            "a.textproto:1:28: 'CEPT' is none of KEPT, SENT, SUGGESTED");
  EXPECT_THAT(Rewritten("choice { propensity_budget: 1 }"), HasSubstr("is gone"));
}

TEST(ConfigTextTest, EnumNamesMayBeInEitherCase) {
  EXPECT_EQ(Rewritten("learning { exposure_event: sent } choice { policy: Greedy }"),
            "learning { exposure_event: SENT } choice { policy: GREEDY }");
}

TEST(ConnectionStringTest, PasswordsInEverySpellingAreMasked) {
  const std::pair<const char*, const char*> cases[] = {
      {"host=h password=secret dbname=d", "host=h password=*** dbname=d"},
      {"password = secret", "password = ***"},
      {"PassWord='se cr\\'et' user=u", "PassWord=*** user=u"},
      {"password=se\\ cret user=u", "password=*** user=u"},
      {"sslpassword=secret", "sslpassword=***"},
      {"postgresql://u:secret@h:5432/d", "postgresql://u:***@h:5432/d"},
      {"postgres://u:sec@ret@h/d", "postgres://u:***@h/d"},
      {"postgres://:secret@/d", "postgres://:***@/d"},
      {"postgresql://h/d?password=secret&user=u", "postgresql://h/d?password=***&user=u"},
      {"postgresql:///d?user=u&%70assword=secret", "postgresql:///d?user=u&%70assword=***"},
  };
  for (const auto& [connection, masked] : cases) {
    EXPECT_EQ(MaskPassword(connection), masked);
    EXPECT_TRUE(HoldsPassword(connection)) << connection;
  }
  for (const char* connection :
       {"host=/run/pg dbname=suggest", "passfile=/etc/pw user=u", "postgresql://u@h:5432/d?a=b",
        "postgresql://[::1]:5432/d", "dbname='password=x'", ""}) {
    EXPECT_EQ(MaskPassword(connection), connection);
  }
}

TEST(ConfigFileTest, APasswordInAnySpellingIsRefusedAndNeverShown) {
  for (const char* connection :
       {"password = secret", "postgresql://u:secret@h/d", "postgresql://h/d?password=secret"}) {
    const auto config = ParseConfig(absl::StrReplaceAll(kSmallConfig, {{"host=x", connection}}), "c");
    EXPECT_THAT(config, StatusIs(absl::StatusCode::kInvalidArgument,
                                 AllOf(HasSubstr("database.connection holds a password"), Not(HasSubstr("secret")))));
  }
  config::v1::Config config;
  config.mutable_database()->set_connection("host=h password='secret'");
  EXPECT_THAT(PrintConfig(config), AllOf(HasSubstr("password=***"), Not(HasSubstr("secret"))));
  EXPECT_TRUE(HoldsPassword("password=***"));
}

TEST(ConfigFileTest, AnEmptyFileAndWhatIsNoFileAreNamedAsWhatTheyAre) {
  const testing::TemporaryFolder folder;
  EXPECT_THAT(LoadConfig(folder.Write("empty.textproto", "")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("empty.textproto is empty")));
  EXPECT_THAT(LoadConfig(folder.path()), StatusIs(absl::StatusCode::kNotFound, HasSubstr("it is no regular file")));
  EXPECT_THAT(LoadConfig("/dev/zero"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("it is no regular file")));
}

}  // namespace
}  // namespace suggest
