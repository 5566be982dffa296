// Where decisions are kept: the decision log in PostgreSQL, or what stands in for it.
#ifndef SERVICE_SERVER_COMMIT_DECISION_SINK_H_
#define SERVICE_SERVER_COMMIT_DECISION_SINK_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "storage/log/decision_store.h"

namespace suggest::server {

// Threads: Append may be called from several threads at once.
class DecisionSink {
 public:
  virtual ~DecisionSink() = default;
  // The contract of storage::DecisionStore::AppendBatch. After OK, what is not refused is durable.
  virtual absl::StatusOr<std::vector<storage::Appended>> Append(
      absl::Span<const storage::DecisionRecord* const> batch) = 0;
};

// The decision log.
class DecisionLogSink : public DecisionSink {
 public:
  // `database` must outlive it.
  explicit DecisionLogSink(storage::Database* database) : store_(database) {}
  absl::StatusOr<std::vector<storage::Appended>> Append(
      absl::Span<const storage::DecisionRecord* const> batch) override {
    return store_.AppendBatch(batch);
  }

 private:
  storage::DecisionStore store_;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_COMMIT_DECISION_SINK_H_
