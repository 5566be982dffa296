// Model versions: stored once, never edited; one of them is current. Replicas hear of a new one by NOTIFY on
// channel "suggest_model" (payload: the version), or find it by polling Current().
#ifndef STORAGE_MODELS_MODEL_STORE_H_
#define STORAGE_MODELS_MODEL_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/ledger/learning_records.h"
#include "storage/postgres/database.h"
#include "suggest/v1/learning_service.pb.h"

namespace suggest::storage {

// What is known of a version without reading its bytes.
struct ModelHead {
  ModelRow row;  // without bytes
  bool current = false;
  int64_t size_bytes = 0;
};

suggest::v1::ModelSummary ToSummary(const ModelHead& head);

class ModelStore {
 public:
  explicit ModelStore(Database* db) : db_(db) {}

  // The current version. Errors: NOT_FOUND when there is none.
  absl::StatusOr<int64_t> Current() const;

  // With bytes and their checksum, which the reader compares (service/decision/model_codec.h).
  // Errors: NOT_FOUND.
  absl::StatusOr<ModelRow> Load(int64_t version) const;
  // Without bytes. Errors: NOT_FOUND.
  absl::StatusOr<ModelHead> Head(int64_t version) const;

  // Newest first. REQUIRES: limit >= 1.
  absl::StatusOr<std::vector<ModelHead>> List(int limit) const;

  // Stores a version that came from elsewhere under its own number, and makes it current when told to.
  // Errors: ALREADY_EXISTS when the number is taken.
  absl::Status Import(const ModelRow& row, bool make_current);

 private:
  Database* const db_;
};

// Waits for NOTIFYs on a connection of its own. When that breaks, the next Wait opens another, so the caller needs no
// error handling besides polling Current() now and then: what was notified while no connection was there is not told.
// Not thread-safe.
class ModelWatcher {
 public:
  // `db` must outlive the watcher; only its options are used.
  explicit ModelWatcher(Database* db);
  ~ModelWatcher();
  ModelWatcher(const ModelWatcher&) = delete;
  ModelWatcher& operator=(const ModelWatcher&) = delete;

  // Returns the last version notified as soon as there is one, or nullopt after `timeout` (at most an hour), or earlier
  // when the connection was just cut. Errors: UNAVAILABLE when the connection is broken, or none can be opened; at
  // once.
  absl::StatusOr<std::optional<int64_t>> Wait(absl::Duration timeout);

  // True while a connection listens.
  bool listening() const;

 private:
  struct Session;
  Database* const db_;
  std::unique_ptr<Session> session_;
};

}  // namespace suggest::storage

#endif  // STORAGE_MODELS_MODEL_STORE_H_
