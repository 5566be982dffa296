// Follows the catalogue: reads the recommendations every catalogue_poll, stores each version that differs under its
// name before any decision can refer to it, and takes it into service. A catalogue that cannot be encoded is refused as
// a whole; the last good one stays, and log and metrics say so once per version. So does a view that cannot be read.
//
// Threads: one caller at a time.
#ifndef SERVICE_SERVER_FOLLOW_CATALOGUE_UPDATER_H_
#define SERVICE_SERVER_FOLLOW_CATALOGUE_UPDATER_H_

#include <string>

#include "absl/status/status.h"
#include "service/server/suggest/suggestion_handlers.h"

namespace suggest::server {

class CatalogueUpdater {
 public:
  explicit CatalogueUpdater(const Surroundings& surroundings) : s_(surroundings) {}

  // One look. Returns why the catalogue could not be read or taken.
  absl::Status Poll();

 private:
  absl::Status TakeChanged();
  // Remembers not to try it again under the same model.
  absl::Status Refuse(const std::string& version, const absl::Status& why);
  // Says what is wrong, unless it was said at the last look.
  void Report(const absl::Status& why);

  const Surroundings s_;
  std::string refused_version_;
  int64_t refused_with_model_ = 0;
  std::string reported_;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_FOLLOW_CATALOGUE_UPDATER_H_
