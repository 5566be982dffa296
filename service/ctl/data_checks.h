// What the company's own data say: do the schema's columns exist, do their values read, is their money ours?
#ifndef SERVICE_CTL_DATA_CHECKS_H_
#define SERVICE_CTL_DATA_CHECKS_H_

#include "absl/time/time.h"
#include "service/ctl/checks.h"
#include "storage/postgres/database.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::ctl {

// Adds the checks "features", "customers", "recommendations", "suggestions" and "purchases", each with as many findings
// as there are: reads every row of the source views, some more than once. A column that no row has, a value that does
// not read, a key that occurs twice and an id that no request can name are failures; an empty view is a warning. A view
// that cannot be read fails its own checks alone.
void CheckData(storage::Database& database, const config::v1::Config& config, absl::Time now, ProgressLine& progress,
               Checks& checks);

}  // namespace suggest::ctl

#endif  // SERVICE_CTL_DATA_CHECKS_H_
