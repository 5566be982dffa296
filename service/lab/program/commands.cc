#include "service/lab/program/commands.h"

namespace suggest::lab {

const cli::Program& Suggestlab() {
  static const auto* const program = new cli::Program{"suggestlab",
                                                      {SimulateCommand(), SimulateDelayCommand(), FirstReportCommand(),
                                                       EvaluateDelayCommand(), EvaluateDelayDataCommand()}};
  return *program;
}

}  // namespace suggest::lab
