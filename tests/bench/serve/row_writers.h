// What PostgreSQL can take when each decision is an INSERT and a commit of its own.
//
// The rows are those that suggestd wrote, byte for byte, into tables of the same columns and indexes: one prepared
// statement that inserts the request's and the decision's row, in binary, one round trip, committed by itself. Plain
// libpq, and nothing else is done: no program that writes a decision per commit does better.
#ifndef TESTS_BENCH_SERVE_ROW_WRITERS_H_
#define TESTS_BENCH_SERVE_ROW_WRITERS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/bench/serve/histogram.h"

namespace suggest::bench {

struct WriterResult {
  double rows_per_second = 0;
  Histogram latency;  // of one INSERT with its commit
};

class RowWriters {
 public:
  // Takes at most `most_rows` rows of the company's decision log, which must hold some. Aborts when PostgreSQL refuses.
  RowWriters(const std::string& connection, int most_rows);
  ~RowWriters();

  // `writers` connections insert, each as fast as it can, until `length` has passed or the rows are used up.
  WriterResult Run(int writers, absl::Duration length);

 private:
  struct Row {
    std::string decision;
    std::string request;
  };
  class Session;

  const std::string connection_;
  std::vector<Row> rows_;
};

}  // namespace suggest::bench

#endif  // TESTS_BENCH_SERVE_ROW_WRITERS_H_
