// suggestlab: its commands, each defined in the file of its name.
#ifndef SERVICE_LAB_PROGRAM_COMMANDS_H_
#define SERVICE_LAB_PROGRAM_COMMANDS_H_

#include "service/lab/program/command.h"

namespace suggest::lab {

Command SimulateCommand();
Command SimulateDelayCommand();
Command FirstReportCommand();
Command EvaluateDelayCommand();
Command EvaluateDelayDataCommand();

const cli::Program& Suggestlab();

}  // namespace suggest::lab

#endif  // SERVICE_LAB_PROGRAM_COMMANDS_H_
