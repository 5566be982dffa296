// Numbers "test N" are those of the list of acceptance tests for delayed feedback (docs/delays.md).
#include "service/lab/streams/stream_protocol.h"

#include <algorithm>
#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/lab/streams/conversion_generator.h"
#include "service/lab/streams/delay_study.h"

namespace suggest::streams {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kHour = 3600;
constexpr int64_t kDay = 24 * kHour;

// A small log: 8 days of history, 4 of stream.
const ConversionLog& SmallLog() {
  static const auto* const log = new ConversionLog(GenerateLog({.seed = 8, .days = 12, .clicks_per_hour = 60}, 12));
  return *log;
}

StreamOptions SmallOptions() {
  return {.pretrain_until = 8 * kDay, .mature_after = 2 * kDay, .epochs = 2};
}

ConversionLog WithoutConversionsAfter(const ConversionLog& log, int64_t instant) {
  ConversionLog cut = log;
  for (Click& click : cut.clicks) {
    if (click.converted_at > instant) click.converted_at = kNever;
  }
  return cut;
}

// What is predicted for the hour after T was learned from what was visible by T: every conversion after T may as well
// never have been.
TEST(StreamProtocol, Test13_NoConversionAfterTheTrainingInstantIsVisible) {
  const ConversionLog& log = SmallLog();
  for (const int hours : {1, 30, 72}) {
    const ConversionLog cut = WithoutConversionsAfter(log, 8 * kDay + hours * kHour - 1);
    for (const Method method : AllMethods()) {
      if (method == Method::kOracle) continue;
      const auto whole = RunMethod(method, log, log, SmallOptions());
      const auto shifted = RunMethod(method, cut, log, SmallOptions());
      ASSERT_TRUE(whole.ok() && shifted.ok()) << whole.status() << shifted.status();
      for (int hour = 0; hour < hours; ++hour) {
        ASSERT_EQ(whole->hourly_predicted[hour], shifted->hourly_predicted[hour]) << MethodName(method) << " " << hour;
      }
    }
  }
}

TEST(StreamProtocol, Test13_TheCheckAboveSeesTheOracleCheat) {
  const ConversionLog cut = WithoutConversionsAfter(SmallLog(), 9 * kDay);
  const MethodResult whole = *RunMethod(Method::kOracle, SmallLog(), SmallLog(), SmallOptions());
  const MethodResult shifted = *RunMethod(Method::kOracle, cut, SmallLog(), SmallOptions());
  EXPECT_NE(whole.hourly_predicted[20], shifted.hourly_predicted[20]);
}

TEST(StreamProtocol, Test13_ATestHourHoldsNoRowTrainedBefore) {
  for (const Method method : AllMethods()) {
    const std::vector<StreamRow> rows = RowsOf(method, SmallLog(), SmallOptions());
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
    for (const StreamRow& row : rows) EXPECT_GE(row.at, SmallLog().clicks[row.click].at) << MethodName(method);
  }
}

TEST(StreamProtocol, RowsAreThoseOfTheMethod) {
  ConversionLog log{.bits = 12, .clicks = {}};
  const int64_t start = 8 * kDay;
  log.clicks.push_back({.at = start - 100, .converted_at = start + 5000});
  log.clicks.push_back({.at = start + 10, .converted_at = start + 20});
  log.clicks.push_back({.at = start + 30});
  const auto times = [&](Method method) {
    std::vector<std::pair<int64_t, bool>> out;
    for (const StreamRow& row : RowsOf(method, log, SmallOptions())) out.emplace_back(row.at - start, row.late);
    return out;
  };
  using Rows = std::vector<std::pair<int64_t, bool>>;
  EXPECT_EQ(times(Method::kOracle), (Rows{{10, false}, {30, false}}));
  EXPECT_EQ(times(Method::kPretrained), Rows{});
  EXPECT_EQ(times(Method::kVanilla), (Rows{{800, false}, {910, false}, {930, false}}));
  EXPECT_EQ(times(Method::kFsiw), times(Method::kVanilla));
  EXPECT_EQ(times(Method::kEsDfm), (Rows{{800, false}, {910, false}, {930, false}, {5000, true}}));
  EXPECT_EQ(times(Method::kFnw), (Rows{{10, false}, {20, true}, {30, false}, {5000, true}}));
  EXPECT_EQ(times(Method::kVanillaDuplicates), (Rows{{3500, false}, {3610, false}, {3630, false}, {5000, true}}));
}

TEST(StreamProtocol, TheSameLogGivesTheSameBits) {
  const MethodResult a = *RunMethod(Method::kEsDfm, SmallLog(), SmallLog(), SmallOptions());
  const MethodResult b = *RunMethod(Method::kEsDfm, SmallLog(), SmallLog(), SmallOptions());
  EXPECT_EQ(a.hourly_predicted, b.hourly_predicted);
}

TEST(StreamProtocol, RefusesALogThatIsTooShort) {
  StreamOptions options = SmallOptions();
  options.pretrain_until = 12 * kDay;
  EXPECT_THAT(std::string(RunMethod(Method::kOracle, SmallLog(), SmallLog(), options).status().message()),
              HasSubstr("before the stream, which begins at 1036800, has had two hours"));
  options = SmallOptions();
  options.mature_after = 9 * kDay;
  EXPECT_THAT(std::string(RunMethod(Method::kOracle, SmallLog(), SmallLog(), options).status().message()),
              HasSubstr("no click of the history is 777600 seconds old"));
  ConversionLog never = SmallLog();
  for (Click& click : never.clicks) click.converted_at = kNever;
  EXPECT_THAT(std::string(RunMethod(Method::kOracle, never, never, SmallOptions()).status().message()),
              HasSubstr("no test hour"));
}

TEST(StreamProtocol, SwappedLabelsKeepTheirNumberAndTheHistory) {
  const int64_t from = 8 * kDay;
  const ConversionLog noisy = WithSwappedLabels(SmallLog(), from, 0.3, 1);
  int before = 0, after = 0, moved = 0;
  for (size_t i = 0; i < noisy.clicks.size(); ++i) {
    const Click& was = SmallLog().clicks[i];
    const Click& is = noisy.clicks[i];
    before += was.converted();
    after += is.converted();
    moved += was.converted() && !is.converted();
    if (was.at < from) {
      EXPECT_EQ(was.converted_at, is.converted_at);
    }
  }
  EXPECT_EQ(before, after);
  EXPECT_NEAR(moved / (before / 3.0), 0.3, 0.1);  // a third of the log is stream
  EXPECT_EQ(WithSwappedLabels(SmallLog(), from, 0, 1).clicks[700].converted_at, SmallLog().clicks[700].converted_at);
}

TEST(StreamProtocol, ImprovementsAreZeroForVanillaAndOneForTheOracle) {
  const DelayStudyOptions options{
      .stream = SmallOptions(), .methods = {Method::kFnw}, .waitings = {900, 3600}, .noises = {0.2}};
  int64_t done = 0, total = 0;
  const DelayStudy study =
      *RunDelayStudy([](int) { return SmallLog(); }, 1, options, [&](int64_t d, int64_t t) { done = d, total = t; });
  EXPECT_EQ(done, total);
  ASSERT_EQ(study.table.size(), 4u);
  for (const MethodSummary& row : study.table) {
    if (row.method == Method::kVanilla) {
      EXPECT_EQ(row.ri_nll.mean, 0);
    }
    if (row.method == Method::kVanillaDuplicates) {
      EXPECT_EQ(row.published_ri_auc.mean, 0);
    }
    if (row.method == Method::kOracle) {
      EXPECT_EQ(row.ri_auc.mean, 1);
      EXPECT_EQ(row.published_ri_pr_auc.mean, 1);
    }
  }
  ASSERT_EQ(study.waiting_sweep.size(), 2u);
  EXPECT_LT(study.waiting_sweep[0].seen_share, study.waiting_sweep[1].seen_share);
  EXPECT_EQ(study.noise_sweep[0].methods.size(), NoiseSweepMethods().size());
  for (const chart::Chart& chart : {CalibrationChart(study), WaitingChart(study), NoiseChart(study)}) {
    EXPECT_FALSE(chart.series.empty());
    for (const chart::Series& series : chart.series) EXPECT_FALSE(series.points.empty()) << series.name;
  }
}

TEST(StreamProtocol, AnErrorOfTheSourceIsPassedOn) {
  const auto source = [](int) -> absl::StatusOr<ConversionLog> { return absl::NotFoundError("gone"); };
  EXPECT_EQ(RunDelayStudy(source, 1, {}).status(), absl::NotFoundError("gone"));
}

}  // namespace
}  // namespace suggest::streams
