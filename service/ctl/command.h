// The names of the command framework (service/cli) as suggestctl's commands use them.
#ifndef SERVICE_CTL_COMMAND_H_
#define SERVICE_CTL_COMMAND_H_

#include "service/cli/command.h"
#include "service/cli/flags.h"
#include "service/cli/outcome.h"
#include "service/cli/progress_line.h"
#include "service/cli/proto_json.h"
#include "service/cli/session.h"
#include "service/cli/table.h"

namespace suggest::ctl {

using cli::AlreadyRunningIfAborted;
using cli::Command;
using cli::ConfigUse;
using cli::ExitCode;
using cli::FlagKind;
using cli::Flags;
using cli::FlagSpec;
using cli::GroupDigits;
using cli::Invocation;
using cli::Json;
using cli::OpenDatabase;
using cli::OpenSession;
using cli::Outcome;
using cli::ProgressLine;
using cli::ProtoToJson;
using cli::ReadConfig;
using cli::Session;
using cli::Significant;
using cli::Table;
using cli::TimeoutFlag;
using cli::UsageError;
using cli::WithExitCode;

}  // namespace suggest::ctl

#endif  // SERVICE_CTL_COMMAND_H_
