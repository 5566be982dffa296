// Follows the catalogue: reads the recommendations every catalogue_poll, stores each version that differs under its
// name before any decision can refer to it, and takes it into service. Rows that cannot be served are withheld and
// values that cannot be read count as missing (service/decision/catalogue.h): metrics count them, readiness shows them,
// and the log names the first ones, ids and columns without values, once each time that they change. When the view
// cannot be read at all, the last good catalogue stays, and log and metrics say so once.
//
// Threads: one caller at a time.
#ifndef SERVICE_SERVER_FOLLOW_CATALOGUE_UPDATER_H_
#define SERVICE_SERVER_FOLLOW_CATALOGUE_UPDATER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "service/server/readiness.h"
#include "service/server/suggest/suggestion_handlers.h"

namespace suggest::server {

class CatalogueUpdater {
 public:
  // `readiness` must outlive it.
  CatalogueUpdater(const Surroundings& surroundings, Readiness* readiness) : s_(surroundings), readiness_(readiness) {}

  // One look. Returns why the catalogue could not be read or taken.
  absl::Status Poll();

 private:
  absl::Status TakeChanged();
  // Shows what is withheld and what counts as missing in the catalogue in service.
  void ShowProblems(const std::vector<std::string>& withheld);
  // Remembers not to try it again under the same model.
  absl::Status Refuse(const std::string& version, const absl::Status& why);
  // Says what is wrong, unless it was said at the last look.
  void Report(const absl::Status& why);

  const Surroundings s_;
  Readiness* const readiness_;
  std::string shown_problems_;
  std::string refused_version_;
  int64_t refused_with_model_ = 0;
  std::string reported_;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_FOLLOW_CATALOGUE_UPDATER_H_
