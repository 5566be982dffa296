// Runs a program in process and keeps what it printed.
#ifndef TESTS_SERVICE_CLI_TEST_RUN_H_
#define TESTS_SERVICE_CLI_TEST_RUN_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "service/cli/run.h"

namespace suggest::cli {

// A clock that moves only when told, or by a fixed step at each reading.
class ManualClock : public Clock {
 public:
  explicit ManualClock(absl::Time now, absl::Duration step = absl::ZeroDuration()) : now_(now), step_(step) {}
  absl::Time Now() const override {
    const absl::Time now = now_;
    now_ += step_;
    return now;
  }
  void Advance(absl::Duration by) { now_ += by; }

 private:
  mutable absl::Time now_;
  absl::Duration step_;
};

struct RunResult {
  int exit = -1;
  std::string out;
  std::string err;

  // Standard output as one JSON document, by protobuf's parser: an oracle that is not our printer.
  google::protobuf::Struct Document() const {
    google::protobuf::Struct document;
    const auto status = google::protobuf::util::JsonStringToMessage(out, &document);
    EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << out;
    return document;
  }

  // The value at a path of keys. Fails the test when a key is missing.
  google::protobuf::Value At(const std::vector<std::string>& path) const {
    google::protobuf::Value value;
    *value.mutable_struct_value() = Document();
    for (const std::string& key : path) {
      if (value.struct_value().fields().count(key) == 0) {
        ADD_FAILURE() << "no key " << key << " in\n" << out;
        return {};
      }
      const google::protobuf::Value next = value.struct_value().fields().at(key);
      value = next;
    }
    return value;
  }
};

inline RunResult RunProgram(const Program& program, const std::vector<std::string>& arguments, const Clock& wall,
                            bool terminal = false) {
  StringSink out;
  StringSink err;
  RunResult result;
  result.exit = Run(program, arguments, {.out = out, .err = err, .err_is_terminal = terminal, .wall = wall});
  result.out = out.text();
  result.err = err.text();
  return result;
}

}  // namespace suggest::cli

#endif  // TESTS_SERVICE_CLI_TEST_RUN_H_
