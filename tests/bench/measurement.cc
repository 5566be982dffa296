#include "tests/bench/measurement.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "bandit/base/check.h"

namespace suggest::bench {
namespace {

// Names are ours: letters, digits and a few signs; nothing needs an escape.
std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", text, "\"");
}

std::string Number(double value) {
  return std::isfinite(value) ? absl::StrFormat("%.6g", value) : "null";
}

}  // namespace

std::string ToJsonLine(const Measurement& measurement) {
  std::string line = absl::StrCat("{\"bench\":", Quoted(measurement.bench), ",\"name\":", Quoted(measurement.name),
                                  ",\"value\":", Number(measurement.value), ",\"unit\":", Quoted(measurement.unit));
  if (measurement.target.has_value()) {
    absl::StrAppend(&line, ",\"target\":", Number(measurement.target->value),
                    ",\"better\":", Quoted(measurement.target->better == Better::kMore ? "more" : "less"));
  }
  if (!measurement.detail.empty()) {
    line += ",\"detail\":{";
    for (size_t i = 0; i < measurement.detail.size(); ++i) {
      absl::StrAppend(&line, i == 0 ? "" : ",", Quoted(measurement.detail[i].first), ":",
                      Number(measurement.detail[i].second));
    }
    line += "}";
  }
  return line + "}";
}

void Print(const Measurement& measurement) {
  std::printf("%s\n", ToJsonLine(measurement).c_str());
  std::fflush(stdout);
}

double Median(std::vector<double> values) {
  SUGGEST_CHECK(!values.empty());
  const size_t middle = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + middle, values.end());
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle] + *std::max_element(values.begin(), values.begin() + middle)) / 2;
}

}  // namespace suggest::bench
