// suggestctl: its commands, each defined in the file of its name.
#ifndef SERVICE_CTL_COMMANDS_H_
#define SERVICE_CTL_COMMANDS_H_

#include "service/ctl/command.h"

namespace suggest::ctl {

Command MigrateCommand();
Command ImportCommand();
Command WarmStartCommand();
Command IngestRewardsCommand();
Command SuggestCommand();
Command SuggestBatchCommand();
Command FeedbackCommand();
Command ExplainCommand();
Command PropensitiesCommand();
Command ModelsListCommand();
Command ModelsShowCommand();
Command ModelsDiffCommand();
Command ModelsExportCommand();
Command ModelsImportCommand();
Command VerifyCommand();
Command EvaluateDelayReplayCommand();
Command DoctorCommand();

const cli::Program& Suggestctl();

}  // namespace suggest::ctl

#endif  // SERVICE_CTL_COMMANDS_H_
