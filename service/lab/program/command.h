// The names of the command framework (service/cli) as suggestlab's commands use them.
#ifndef SERVICE_LAB_PROGRAM_COMMAND_H_
#define SERVICE_LAB_PROGRAM_COMMAND_H_

#include "service/cli/command.h"
#include "service/cli/flags.h"
#include "service/cli/outcome.h"
#include "service/cli/proto_json.h"
#include "service/cli/session.h"
#include "service/cli/table.h"

namespace suggest::lab {

using cli::Command;
using cli::ConfigUse;
using cli::ExitCode;
using cli::FlagKind;
using cli::Flags;
using cli::FlagSpec;
using cli::GroupDigits;
using cli::Invocation;
using cli::Json;
using cli::OpenSession;
using cli::Outcome;
using cli::ProtoToJson;
using cli::ReadConfig;
using cli::Session;
using cli::Table;
using cli::TimeoutFlag;
using cli::UsageError;
using cli::WithExitCode;

}  // namespace suggest::lab

#endif  // SERVICE_LAB_PROGRAM_COMMAND_H_
