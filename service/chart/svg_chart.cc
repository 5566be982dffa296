#include "service/chart/svg_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "bandit/base/check.h"

namespace suggest::chart {
namespace {

constexpr std::array<const char*, 8> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                 "#56b4e9", "#e69f00", "#555555", "#8c510a"};
constexpr std::array<const char*, 4> kDashes = {"", "7 3", "2 3", "9 3 2 3"};
constexpr int kLeft = 76;
constexpr int kTop = 40;
constexpr int kBottom = 54;
constexpr int kLegendWidth = 170;

std::string Escape(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

std::string Number(double value) {
  return absl::StrFormat("%.6g", value == 0 ? 0.0 : value);
}

// One axis: from data to pixels, and where its ticks stand.
struct Scale {
  bool logarithmic = false;
  double low = 0;
  double high = 1;
  double from = 0;  // pixel of low
  double to = 1;
  std::vector<std::pair<double, std::string>> ticks;

  double Position(double value) const {
    const double share = logarithmic ? (std::log(value) - std::log(low)) / (std::log(high) - std::log(low))
                                     : (value - low) / (high - low);
    return from + share * (to - from);
  }
  bool Shows(double value) const { return std::isfinite(value) && (!logarithmic || value > 0); }
};

std::vector<double> PowersOfTen(double low, double high) {
  std::vector<double> ticks;
  for (double power = std::floor(std::log10(low)); power <= std::ceil(std::log10(high)) + 1e-9; power += 1) {
    ticks.push_back(std::pow(10.0, power));
  }
  return ticks;
}

Scale MakeScale(const Axis& axis, double low, double high, double from, double to) {
  Scale scale;
  scale.logarithmic = axis.logarithmic;
  scale.from = from;
  scale.to = to;
  if (!(low <= high)) low = axis.logarithmic ? 1 : 0, high = axis.logarithmic ? 10 : 1;
  if (low == high) low -= axis.logarithmic ? low / 2 : 0.5, high += axis.logarithmic ? high : 0.5;
  low = axis.minimum.value_or(low);
  high = axis.maximum.value_or(high);
  const bool named = !axis.ticks.empty();
  const std::vector<double> round = scale.logarithmic ? PowersOfTen(low, high) : RoundTicks(low, high);
  scale.low = axis.minimum.has_value() || named ? low : std::min(low, round.front());
  scale.high = axis.maximum.has_value() || named ? high : std::max(high, round.back());
  if (named) scale.ticks = axis.ticks;
  for (size_t i = 0; i < round.size() && !named; ++i) scale.ticks.emplace_back(round[i], Number(round[i]));
  const double slack = 1e-9 * (scale.high - scale.low);
  std::erase_if(scale.ticks,
                [&](const auto& tick) { return tick.first < scale.low - slack || tick.first > scale.high + slack; });
  return scale;
}

// The extent of all that can be shown along one axis.
std::pair<double, double> Extent(const Chart& chart, bool along_x) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const Series& series : chart.series) {
    for (size_t i = 0; i < series.points.size(); ++i) {
      const auto& [x, y] = series.points[i];
      if (!std::isfinite(x) || !std::isfinite(y) || (chart.x.logarithmic && x <= 0)) continue;
      const double half = along_x || series.error.empty() ? 0.0 : series.error[i];
      low = std::min(low, (along_x ? x : y) - half);
      high = std::max(high, (along_x ? x : y) + half);
    }
  }
  return {low, high};
}

class Drawing {
 public:
  explicit Drawing(const Chart& chart)
      : chart_(chart), right_(chart.width - kLegendWidth), foot_(chart.height - kBottom) {
    SUGGEST_CHECK(!chart.y.logarithmic && chart.width > kLeft + kLegendWidth && chart.height > kTop + kBottom);
    const auto [x_low, x_high] = Extent(chart, true);
    const auto [y_low, y_high] = Extent(chart, false);
    x_ = MakeScale(chart.x, x_low, x_high, kLeft, right_);
    y_ = MakeScale(chart.y, y_low, y_high, foot_, kTop);
  }

  std::string Render() {
    absl::StrAppendFormat(&out_,
                          "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                          "font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
                          "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
                          chart_.width, chart_.height, chart_.width, chart_.height, chart_.width, chart_.height);
    Text(kLeft, 22, "start", Escape(chart_.title), " font-size=\"15\" font-weight=\"bold\"");
    DrawAxes();
    absl::StrAppendFormat(&out_,
                          "<clipPath id=\"plot\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/></clipPath>\n",
                          kLeft - 4, kTop - 4, right_ - kLeft + 8, foot_ - kTop + 8);
    for (size_t i = 0; i < chart_.series.size(); ++i) DrawSeries(i);
    absl::StrAppend(&out_, "</svg>\n");
    return std::move(out_);
  }

 private:
  void Text(double x, double y, const char* anchor, const std::string& escaped, const char* more = "") {
    absl::StrAppendFormat(&out_, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", x, y, anchor, more,
                          escaped);
  }

  void Line(double x1, double y1, double x2, double y2, const char* colour) {
    absl::StrAppendFormat(&out_, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"%s\"/>\n", x1, y1, x2, y2, colour);
  }

  void DrawAxes() {
    for (const auto& [value, name] : y_.ticks) {
      Line(kLeft, y_.Position(value), right_, y_.Position(value), "#ddd");
      Text(kLeft - 8, y_.Position(value) + 4, "end", Escape(name));
    }
    for (const auto& [value, name] : x_.ticks) {
      Line(x_.Position(value), kTop, x_.Position(value), foot_, "#eee");
      Text(x_.Position(value), foot_ + 18, "middle", Escape(name));
    }
    Line(kLeft, foot_, right_, foot_, "#222");
    Line(kLeft, kTop, kLeft, foot_, "#222");
    Text((kLeft + right_) / 2.0, chart_.height - 14, "middle", Escape(chart_.x.label));
    const std::string turned = absl::StrFormat(" transform=\"rotate(-90 18 %.1f)\"", (kTop + foot_) / 2.0);
    Text(18, (kTop + foot_) / 2.0, "middle", Escape(chart_.y.label), turned.c_str());
  }

  void DrawSeries(size_t index) {
    const Series& series = chart_.series[index];
    const char* colour = kColours[index % kColours.size()];
    const char* dash = kDashes[index % kDashes.size()];
    std::string path;
    std::string dots;
    bool pen_down = false;
    for (size_t i = 0; i < series.points.size(); ++i) {
      const auto& [x, y] = series.points[i];
      if (!x_.Shows(x) || !y_.Shows(y)) {
        pen_down = false;
        continue;
      }
      const double px = x_.Position(x);
      absl::StrAppendFormat(&path, "%c%.1f %.1f", pen_down ? 'L' : 'M', px, y_.Position(y));
      pen_down = true;
      if (series.markers) absl::StrAppendFormat(&dots, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", px, y_.Position(y));
      if (!series.error.empty()) {
        absl::StrAppendFormat(&dots, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"%s\"/>", px,
                              y_.Position(y - series.error[i]), px, y_.Position(y + series.error[i]), colour);
      }
    }
    absl::StrAppendFormat(&out_,
                          "<g clip-path=\"url(#plot)\" fill=\"%s\"><path d=\"%s\" fill=\"none\" stroke=\"%s\" "
                          "stroke-width=\"1.8\" stroke-dasharray=\"%s\"/>%s</g>\n",
                          colour, path, colour, dash, dots);
    const double row = kTop + 10 + 20.0 * static_cast<double>(index);
    absl::StrAppendFormat(&out_,
                          "<path d=\"M%d %.1fh26\" stroke=\"%s\" stroke-width=\"1.8\" stroke-dasharray=\"%s\"/>\n",
                          right_ + 12, row, colour, dash);
    Text(right_ + 44, row + 4, "start", Escape(series.name));
  }

  const Chart& chart_;
  const int right_;
  const int foot_;
  Scale x_;
  Scale y_;
  std::string out_;
};

}  // namespace

std::vector<double> RoundTicks(double low, double high, int count) {
  SUGGEST_CHECK(low < high && std::isfinite(low) && std::isfinite(high) && count >= 1);
  const double raw = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double digit = raw / power;
  const double step = power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
  std::vector<double> ticks;
  const auto first = static_cast<int64_t>(std::floor(low / step + 1e-9));
  const auto last = static_cast<int64_t>(std::ceil(high / step - 1e-9));
  for (int64_t i = first; i <= last; ++i) ticks.push_back(static_cast<double>(i) * step);
  return ticks;
}

std::string RenderSvg(const Chart& chart) {
  return Drawing(chart).Render();
}

absl::Status WriteSvg(const Chart& chart, const std::string& file) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << RenderSvg(chart);
  out.close();
  if (!out) return absl::UnavailableError(absl::StrCat(file, ": cannot be written"));
  return absl::OkStatus();
}

}  // namespace suggest::chart
