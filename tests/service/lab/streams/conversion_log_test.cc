#include "service/lab/streams/conversion_log.h"

#include <filesystem>
#include <fstream>
#include <set>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/lab/streams/conversion_generator.h"

namespace suggest::streams {
namespace {

using ::testing::HasSubstr;

constexpr char kGood[] = "5\t9\t1\t2\t\t-1\t5\t6\t7\t8\tab12\t0\t\tff\t1\t2\t3\t4\t5";

class ConversionLogTest : public ::testing::Test {
 protected:
  ConversionLogTest()
      : file_(std::filesystem::temp_directory_path() /
              absl::StrCat("conversion_log_", ::testing::UnitTest::GetInstance()->random_seed(), "_",
                           ::testing::UnitTest::GetInstance()->current_test_info()->name(), ".tsv")) {}
  ~ConversionLogTest() override { std::filesystem::remove(file_); }

  absl::StatusOr<ConversionLog> Read(const std::string& text) {
    std::ofstream(file_) << text;
    return ReadConversionLog(file_, 12);
  }
  std::string ErrorOf(const std::string& text) {
    const absl::Status status = Read(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  }

  const std::string file_;
};

TEST_F(ConversionLogTest, ReadsTimesAndFeatures) {
  const Click click = *ParseClick(kGood, 20);
  EXPECT_EQ(click.at, 5);
  EXPECT_EQ(click.converted_at, 9);
  EXPECT_EQ(click.delay(), 4);
  EXPECT_TRUE(click.ConvertedBy(9));
  EXPECT_FALSE(click.ConvertedBy(8));
  for (const uint32_t index : click.features) EXPECT_LT(index, 1u << 20);
  const std::set<uint32_t> distinct(click.features.begin(), click.features.end());
  EXPECT_EQ(distinct.size(), click.features.size()) << "the same text in another column is another feature";
}

TEST_F(ConversionLogTest, IntegersShareABucketWhenTheyAreClose) {
  const auto index = [](const std::string& n) {
    return ParseClick(absl::StrCat("1\t\t", n, std::string(16, '\t')), 20)->features[0];
  };
  EXPECT_EQ(index("100"), index("101"));
  EXPECT_NE(index("100"), index("200"));
  EXPECT_NE(index("0"), index("1"));
  EXPECT_EQ(index("-1"), index("-7"));
  EXPECT_NE(index("-1"), index(""));
}

TEST_F(ConversionLogTest, ReadsWhatTheGeneratorWrites) {
  const GeneratorOptions options{.seed = 3, .days = 2, .clicks_per_hour = 20};
  ASSERT_EQ(*WriteGeneratedLog(options, file_), 960);
  const ConversionLog read = *ReadConversionLog(file_, 14);
  const ConversionLog made = GenerateLog(options, 14);
  ASSERT_EQ(read.clicks.size(), made.clicks.size());
  for (size_t i = 0; i < read.clicks.size(); ++i) {
    EXPECT_EQ(read.clicks[i].at, made.clicks[i].at);
    EXPECT_EQ(read.clicks[i].converted_at, made.clicks[i].converted_at);
    EXPECT_EQ(read.clicks[i].features, made.clicks[i].features);
  }
}

TEST_F(ConversionLogTest, ErrorsNameLineAndColumn) {
  const std::string good = absl::StrCat(kGood, "\n");
  EXPECT_TRUE(Read(good).ok());
  EXPECT_THAT(ErrorOf(good + "7\t\t1\n"), HasSubstr("line 2: 3 columns, expected 19"));
  EXPECT_THAT(ErrorOf("x" + good), HasSubstr("line 1: column 1: \"x5\" is no time"));
  EXPECT_THAT(ErrorOf("-5" + good.substr(1)), HasSubstr("column 1: \"-5\" is no time"));
  EXPECT_THAT(ErrorOf("5\t1.5" + good.substr(3)), HasSubstr("column 2: \"1.5\" is no time"));
  EXPECT_THAT(ErrorOf("5\t4" + good.substr(3)), HasSubstr("column 2: \"4\" is a conversion before its click"));
  EXPECT_THAT(ErrorOf(good + "4" + good.substr(1)), HasSubstr("line 2: column 1: 4 is before the click above, at 5"));
  EXPECT_THAT(ErrorOf("5\t9\tone" + good.substr(5)), HasSubstr("column 3: \"one\" is no integer"));
  std::string category = good;
  category.replace(category.find("ab12"), 4, "zz");
  EXPECT_THAT(ErrorOf(category), HasSubstr("column 11: \"zz\" is not hexadecimal"));
  EXPECT_THAT(ErrorOf(category), HasSubstr(file_));
}

TEST_F(ConversionLogTest, AnEmptyOrMissingFileIsRefused) {
  EXPECT_EQ(Read("").status().code(), absl::StatusCode::kFailedPrecondition);
  const absl::Status missing = ReadConversionLog("/nonexistent/log.tsv", 12).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("/nonexistent/log.tsv"));
}

TEST_F(ConversionLogTest, TheGeneratorNamesAFileItCannotWrite) {
  const absl::Status status = WriteGeneratedLog({.days = 1, .clicks_per_hour = 1}, "/nonexistent/log.tsv").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nonexistent/log.tsv"));
}

}  // namespace
}  // namespace suggest::streams
