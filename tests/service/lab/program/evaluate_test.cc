// evaluate delay and evaluate delay-data on logs that are small enough for a test.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "tests/service/lab/program/test_run.h"

namespace suggest::lab {
namespace {

using ::testing::HasSubstr;

class EvaluateTest : public ::testing::Test {
 protected:
  EvaluateTest()
      : directory_((std::filesystem::temp_directory_path() /
                    absl::StrCat("evaluate_test_", ::testing::UnitTest::GetInstance()->current_test_info()->name()))
                       .string()) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  ~EvaluateTest() override { std::filesystem::remove_all(directory_); }

  RunResult Ctl(std::vector<std::string> line) { return RunLab(line); }
  std::string File(const std::string& name) const { return absl::StrCat(directory_, "/", name); }

  const std::string directory_;
};

const std::vector<std::string> kSmallLog = {"--days=10",          "--clicks-per-hour=40", "--pretrain-days=7",
                                            "--mature-after=48h", "--epochs=1",           "--bits=12"};

TEST_F(EvaluateTest, WhatIsWrittenIsEvaluatedAsWhatIsGenerated) {
  const RunResult written =
      Ctl({"evaluate", "delay-data", "--write", File("log.tsv"), "--days=10", "--clicks-per-hour=40", "--format=json"});
  ASSERT_EQ(written.exit, 0) << written.err;
  EXPECT_EQ(written.At({"clicks"}).number_value(), 9600);
  std::vector<std::string> from_file = {"evaluate", "delay", "--data", File("log.tsv"), "--format=json"};
  std::vector<std::string> generated = {"evaluate", "delay", "--generate", "--seeds=1", "--format=json"};
  from_file.insert(from_file.end(), kSmallLog.begin(), kSmallLog.end());
  generated.insert(generated.end(), kSmallLog.begin(), kSmallLog.end());
  const RunResult a = Ctl(from_file);
  const RunResult b = Ctl(generated);
  ASSERT_EQ(a.exit, 0) << a.err;
  ASSERT_EQ(b.exit, 0) << b.err;
  EXPECT_EQ(a.At({"methods"}).ShortDebugString(), b.At({"methods"}).ShortDebugString());
  EXPECT_EQ(a.At({"methods"}).list_value().values_size(), 11);
  EXPECT_EQ(a.At({"data"}).string_value(), File("log.tsv"));
}

TEST_F(EvaluateTest, SweepsAndChartsAreInTheOutput) {
  std::vector<std::string> line = {"evaluate",
                                   "delay",
                                   "--generate",
                                   "--seeds=2",
                                   "--method=es_dfm",
                                   "--sweep-waiting=15m",
                                   "--sweep-waiting=1h",
                                   "--sweep-noise=0.3",
                                   absl::StrCat("--svg=", File("charts"))};
  line.insert(line.end(), kSmallLog.begin(), kSmallLog.end());
  const RunResult text = Ctl(line);
  ASSERT_EQ(text.exit, 0) << text.err;
  for (const char* part : {"es_dfm", "predicted/actual", "15m", "0.30", "standard errors over the logs"}) {
    EXPECT_THAT(text.out, HasSubstr(part));
  }
  line.push_back("--format=json");
  const RunResult json = Ctl(line);
  EXPECT_EQ(json.At({"waiting_sweep"}).list_value().values_size(), 2);
  EXPECT_EQ(json.At({"noise_sweep"}).list_value().values_size(), 1);
  EXPECT_EQ(json.At({"charts"}).list_value().values_size(), 3);
  const google::protobuf::Value charts = json.At({"charts"});
  for (const auto& chart : charts.list_value().values()) {
    std::ifstream in(chart.string_value());
    EXPECT_THAT(std::string(std::istreambuf_iterator<char>(in), {}), HasSubstr("</svg>"));
  }
}

TEST_F(EvaluateTest, WaitingByAColumnChangesWhatIsReadAndSaysSo) {
  std::vector<std::string> line = {"evaluate", "delay", "--generate", "--seeds=1", "--method=es_dfm", "--format=json"};
  line.insert(line.end(), kSmallLog.begin(), kSmallLog.end());
  const RunResult plain = Ctl(line);
  line.push_back("--waiting-by=int1");
  const RunResult by_column = Ctl(line);
  ASSERT_EQ(by_column.exit, 0) << by_column.err;
  EXPECT_EQ(plain.At({"waiting_by"}).kind_case(), google::protobuf::Value::kNullValue);
  EXPECT_EQ(by_column.At({"waiting_by"}).string_value(), "int1");
  const auto of = [](const RunResult& result, const char* name) {
    const google::protobuf::Value methods = result.At({"methods"});
    for (const auto& method : methods.list_value().values()) {
      const auto& fields = method.struct_value().fields();
      if (fields.at("name").string_value() == name) return fields.at("nll").ShortDebugString();
    }
    return std::string();
  };
  EXPECT_EQ(of(by_column, "oracle"), of(plain, "oracle"));
  EXPECT_NE(of(by_column, "es_dfm"), of(plain, "es_dfm"));
}

TEST_F(EvaluateTest, ABadLineOfTheLogFailsByLineAndColumn) {
  std::ofstream(File("bad.tsv")) << "1\tx\n";
  const RunResult result = Ctl({"evaluate", "delay", "--data", File("bad.tsv")});
  EXPECT_EQ(result.exit, 1);
  EXPECT_THAT(result.err, HasSubstr("bad.tsv: line 1: 2 columns, expected 19"));
}

TEST_F(EvaluateTest, ALogThatEndsBeforeTheStreamFails) {
  const RunResult result = Ctl({"evaluate", "delay", "--generate", "--seeds=1", "--days=20", "--clicks-per-hour=2"});
  EXPECT_EQ(result.exit, 1);
  EXPECT_THAT(result.err, HasSubstr("before the stream"));
}

}  // namespace
}  // namespace suggest::lab
