// What the company's own data say: do the schema's columns exist, do their values read, is their money ours?
#ifndef SERVICE_CTL_DATA_CHECKS_H_
#define SERVICE_CTL_DATA_CHECKS_H_

#include "absl/time/time.h"
#include "service/ctl/checks.h"
#include "storage/postgres/database.h"
#include "suggest/config/v1/config.pb.h"

namespace suggest::ctl {

// Adds the checks "customers", "recommendations" and "purchases": reads every row of these source views once.
// A column that no row has and a value that does not read are failures; an empty view is a warning.
void CheckData(storage::Database& database, const config::v1::Config& config, absl::Time now, ProgressLine& progress,
               Checks& checks);

}  // namespace suggest::ctl

#endif  // SERVICE_CTL_DATA_CHECKS_H_
