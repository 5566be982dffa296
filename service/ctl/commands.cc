#include "service/ctl/commands.h"

namespace suggest::ctl {

const std::vector<Command>& AllCommands() {
  static const auto* const commands = new std::vector<Command>{
      MigrateCommand(),
      ImportCommand(),
      WarmStartCommand(),
      IngestRewardsCommand(),
      SuggestCommand(),
      SuggestBatchCommand(),
      FeedbackCommand(),
      ExplainCommand(),
      PropensitiesCommand(),
      ModelsListCommand(),
      ModelsShowCommand(),
      ModelsDiffCommand(),
      ModelsExportCommand(),
      ModelsImportCommand(),
      VerifyCommand(),
      SimulateCommand(),
      EvaluateDelayCommand(),
      EvaluateDelayDataCommand(),
      EvaluateDelayReplayCommand(),
      DoctorCommand(),
  };
  return *commands;
}

}  // namespace suggest::ctl
