#include "service/lab/streams/conversion_generator.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bandit/base/check.h"
#include "bandit/base/portable_math.h"
#include "bandit/model/logistic.h"

namespace suggest::streams {
namespace {

constexpr int64_t kHour = 3600;
constexpr int64_t kDay = 24 * kHour;
constexpr std::array<int, kCategoryColumns> kLevels = {8, 8, 16, 16, 16, 32, 32, 64, 64};
constexpr double kMissing = 0.02;
constexpr uint64_t kWorldStream = 0;
constexpr uint64_t kClickStream = 1;

}  // namespace

ConversionGenerator::ConversionGenerator(const GeneratorOptions& options)
    : options_(options), rng_(bandit::Seed{options.seed}, kClickStream) {
  SUGGEST_CHECK(options.days >= 1 && options.clicks_per_hour >= 1 && options.attribution_days >= 1 &&
                options.median_delay_hours > 0 && options.delay_spread > 0 && options.drift_days >= 0);
  bandit::CounterRng world(bandit::Seed{options.seed}, kWorldStream);
  for (double& weight : weights_) weight = options.effect * world.NextNormal();
  for (int k = 0; k < kCategoryColumns; ++k) {
    for (int level = 0; level < kLevels[k]; ++level) {
      levels_[k].push_back(world.NextNormal());
      names_[k].push_back(absl::StrFormat("%08x", static_cast<uint32_t>(world.NextUint64())));
    }
  }
}

double ConversionGenerator::DelaySeconds(double x0) {
  const double longest = static_cast<double>(options_.attribution_days * kDay);
  const double scatter = PortableExp(0.8 * x0 + options_.delay_spread * rng_.NextNormal());
  const double delay = options_.median_delay_hours * static_cast<double>(kHour) * scatter;
  return delay < longest ? delay : longest * rng_.NextUniform();
}

GeneratedClick ConversionGenerator::NextClick() {
  GeneratedClick click;
  double logit = options_.intercept;
  double x0 = 0;
  for (int j = 0; j < kFeatures; ++j) {
    const bool missing = rng_.NextUniform() < kMissing;
    double x = 0;
    if (j < kIntegerColumns) {
      const double u = rng_.NextNormal();
      if (!missing) {
        x = u;
        click.features[j] = absl::StrCat(static_cast<int64_t>(PortableExp(2 + u)) - 1);
      }
    } else {
      const int k = j - kIntegerColumns;
      const uint32_t level = rng_.Below(kLevels[k]);
      if (!missing) {
        x = levels_[k][level];
        click.features[j] = names_[k][level];
      }
    }
    if (j == 0) x0 = x;
    logit += weights_[j] * x;
  }
  click.probability = bandit::Sigmoid(logit);
  const bool converts = rng_.NextUniform() < click.probability;
  const double delay = DelaySeconds(x0);
  click.converted_at = converts ? std::max<int64_t>(1, static_cast<int64_t>(delay)) : kNever;  // after the click
  return click;
}

std::vector<GeneratedClick> ConversionGenerator::NextHour() {
  SUGGEST_CHECK(!Done());
  if (options_.drift_days > 0) {
    const double keep = PortableExp(-1 / (24 * options_.drift_days));
    for (double& weight : weights_) {
      weight = keep * weight + std::sqrt(1 - keep * keep) * options_.effect * rng_.NextNormal();
    }
  }
  std::vector<int64_t> times(options_.clicks_per_hour);
  for (int64_t& time : times) time = hour_ * kHour + rng_.Below(kHour);
  std::sort(times.begin(), times.end());
  std::vector<GeneratedClick> clicks;
  for (const int64_t time : times) {
    GeneratedClick click = NextClick();
    click.at = time;
    if (click.converted_at != kNever) click.converted_at += time;
    clicks.push_back(std::move(click));
  }
  ++hour_;
  return clicks;
}

ConversionLog GenerateLog(const GeneratorOptions& options, int bits, const ReadProgress& progress) {
  ConversionLog log{.bits = bits, .clicks = {}};
  ConversionGenerator generator(options);
  for (int64_t hour = 0; !generator.Done(); ++hour) {
    if (progress != nullptr) progress(hour, 24 * options.days);
    for (const GeneratedClick& click : generator.NextHour()) {
      std::string line = FormatClick(click.at, click.converted_at, click.features);
      line.pop_back();
      log.clicks.push_back(*ParseClick(line, bits));
    }
  }
  return log;
}

absl::StatusOr<int64_t> WriteGeneratedLog(const GeneratorOptions& options, const std::string& file,
                                          const ReadProgress& progress) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  ConversionGenerator generator(options);
  int64_t written = 0;
  for (int64_t hour = 0; out && !generator.Done(); ++hour) {
    if (progress != nullptr) progress(hour, 24 * options.days);
    for (const GeneratedClick& click : generator.NextHour()) {
      out << FormatClick(click.at, click.converted_at, click.features);
      ++written;
    }
  }
  out.close();
  if (!out) return absl::UnavailableError(absl::StrCat(file, ": cannot be written"));
  return written;
}

}  // namespace suggest::streams
