#include "service/ctl/commands.h"

namespace suggest::ctl {

const cli::Program& Suggestctl() {
  static const auto* const program = new cli::Program{
      "suggestctl",
      {
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
          EvaluateDelayReplayCommand(),
          DoctorCommand(),
      },
      {{"simulate", "suggestlab"}, {"evaluate delay", "suggestlab"}, {"evaluate delay-data", "suggestlab"}}};
  return *program;
}

}  // namespace suggest::ctl
