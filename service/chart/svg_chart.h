// Line charts as SVG text, for reports and documents: no library, no font metrics, the same bytes for the same numbers.
//
// One chart has a title, two axes with round ticks (linear, or logarithmic in x), and up to eight series as lines (with
// or without markers), told apart by colour and dash and named in a legend to the right. Colours are those of Okabe and
// Ito, which colour-blind readers can tell apart. Points that are not finite break a line; on a logarithmic axis so do
// x <= 0. Text is escaped. Works on a light and on a dark page: the background is painted.
#ifndef SERVICE_CHART_SVG_CHART_H_
#define SERVICE_CHART_SVG_CHART_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace suggest::chart {

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  // (x, y), in the order in which they are joined
  bool markers = false;                           // a dot at each point
  std::vector<double> error = {};                 // half length of a bar at each point; empty: none
};

struct Axis {
  std::string label = {};
  bool logarithmic = false;                      // only for x
  std::optional<double> minimum = std::nullopt;  // else from the data, to a round number
  std::optional<double> maximum = std::nullopt;
  // Named places instead of round numbers ("1 h" at 3600); empty: round numbers.
  std::vector<std::pair<double, std::string>> ticks = {};
};

struct Chart {
  std::string title = {};
  Axis x = {};
  Axis y = {};
  std::vector<Series> series = {};
  int width = 760;
  int height = 400;
};

// The whole document, ending with a newline. A chart without a finite point has empty axes from 0 to 1.
std::string RenderSvg(const Chart& chart);

// Round tick positions that cover [low, high] in about `count` steps of 1, 2 or 5 times a power of ten, first and last
// at or outside the range. REQUIRES: low < high, finite; count >= 1.
std::vector<double> RoundTicks(double low, double high, int count = 5);

// Errors: UNAVAILABLE when the file cannot be written whole.
absl::Status WriteSvg(const Chart& chart, const std::string& file);

}  // namespace suggest::chart

#endif  // SERVICE_CHART_SVG_CHART_H_
