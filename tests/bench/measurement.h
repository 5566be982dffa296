// One figure that a benchmark found, and the line it prints.
//
// A bench program prints one JSON object a line on standard output, and anything for people on standard error:
//   {"bench":"serve","name":"async/throughput","value":0.71,"unit":"ratio","target":0.65,"better":"more",
//    "detail":{...}}
// bench, name, value and unit are always there; target and better where a target is stated; detail holds the flat
// figures that the value came from. tests/bench/table makes the tables of these lines.
#ifndef TESTS_BENCH_MEASUREMENT_H_
#define TESTS_BENCH_MEASUREMENT_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace suggest::bench {

enum class Better { kMore, kLess };

struct Target {
  double value = 0;
  Better better = Better::kMore;
};

struct Measurement {
  std::string bench;
  std::string name;
  double value = 0;
  std::string unit;
  std::optional<Target> target;
  std::vector<std::pair<std::string, double>> detail;
};

// One line without its end. A value that is not finite becomes null.
std::string ToJsonLine(const Measurement& measurement);

// Prints the line and flushes, so that a run that is stopped has shown what it had found.
void Print(const Measurement& measurement);

// The middle one; of an even number the mean of both. REQUIRES: not empty.
double Median(std::vector<double> values);

}  // namespace suggest::bench

#endif  // TESTS_BENCH_MEASUREMENT_H_
