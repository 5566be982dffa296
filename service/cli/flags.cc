#include "service/cli/flags.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "bandit/base/check.h"
#include "bandit/base/status_macros.h"
#include "service/cli/outcome.h"

namespace suggest::cli {
namespace {

absl::Status BadValue(const FlagSpec& spec, absl::string_view value, absl::string_view wanted) {
  return UsageError(absl::StrCat("--", spec.name, ": \"", value, "\" is not ", wanted));
}

std::string Range(const FlagSpec& spec) {
  if (std::isinf(spec.minimum) && std::isinf(spec.maximum)) return "";
  if (std::isinf(spec.maximum)) return absl::StrCat(" of at least ", spec.minimum);
  return absl::StrCat(" from ", spec.minimum, " to ", spec.maximum);
}

bool InRange(const FlagSpec& spec, double value) {
  return value >= spec.minimum && value <= spec.maximum;
}

bool IsAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  int port = 0;
  return colon != absl::string_view::npos && colon > 0 && absl::SimpleAtoi(text.substr(colon + 1), &port) && port > 0 &&
         port <= 65535;
}

absl::Status CheckValue(const FlagSpec& spec, const std::string& value) {
  int64_t integer = 0;
  double real = 0;
  absl::Duration duration;
  absl::Time time;
  std::string error;
  switch (spec.kind) {
    case FlagKind::kSwitch:
      if (value != "true" && value != "false") return BadValue(spec, value, "true or false");
      break;
    case FlagKind::kText:
    case FlagKind::kList:
      if (value.empty()) return BadValue(spec, value, "a value: it is empty");
      break;
    case FlagKind::kChoice:
      if (std::find(spec.choices.begin(), spec.choices.end(), value) == spec.choices.end()) {
        return BadValue(spec, value, absl::StrCat("one of ", absl::StrJoin(spec.choices, ", ")));
      }
      break;
    case FlagKind::kInteger:
      if (!absl::SimpleAtoi(value, &integer) || !InRange(spec, static_cast<double>(integer))) {
        return BadValue(spec, value, absl::StrCat("a whole number", Range(spec)));
      }
      break;
    case FlagKind::kReal:
      if (!absl::SimpleAtod(value, &real) || !std::isfinite(real) || !InRange(spec, real)) {
        return BadValue(spec, value, absl::StrCat("a number", Range(spec)));
      }
      break;
    case FlagKind::kDuration:
      if (!absl::ParseDuration(value, &duration) || duration <= absl::ZeroDuration()) {
        return BadValue(spec, value, "a duration above zero, such as 90s or 1h30m");
      }
      break;
    case FlagKind::kTime:
      if (!absl::ParseTime(absl::RFC3339_full, value, &time, &error)) {
        return BadValue(spec, value, "a time, such as 2026-01-31T00:00:00Z");
      }
      break;
    case FlagKind::kAddress:
      if (!IsAddress(value)) return BadValue(spec, value, "host:port");
      break;
  }
  return absl::OkStatus();
}

const FlagSpec* FindSpec(absl::Span<const FlagSpec> table, absl::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const FlagSpec& spec) { return spec.name == name; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace

absl::StatusOr<Flags> Flags::Parse(absl::Span<const FlagSpec> table, absl::Span<const std::string> arguments) {
  Flags flags;
  for (const FlagSpec& spec : table) flags.entries_[spec.name] = Entry{spec.kind, {}};
  for (size_t i = 0; i < arguments.size(); ++i) {
    absl::string_view argument = arguments[i];
    if (argument == "--") {
      flags.positionals_.insert(flags.positionals_.end(), arguments.begin() + i + 1, arguments.end());
      break;
    }
    if (!absl::ConsumePrefix(&argument, "--")) {
      if (argument.size() > 1 && argument[0] == '-' && !absl::ascii_isdigit(argument[1])) {
        return UsageError(absl::StrCat("unknown flag ", argument, ": flags start with --"));
      }
      flags.positionals_.emplace_back(argument);
      continue;
    }
    const size_t equals = argument.find('=');
    const absl::string_view name = argument.substr(0, equals);
    const FlagSpec* spec = FindSpec(table, name);
    if (spec == nullptr) return UsageError(absl::StrCat("unknown flag --", name));
    std::string value = "true";
    if (equals != absl::string_view::npos) {
      value = std::string(argument.substr(equals + 1));
    } else if (spec->kind != FlagKind::kSwitch) {
      if (i + 1 == arguments.size()) {
        return UsageError(absl::StrCat("--", name, ": the value ", spec->value_name, " is missing"));
      }
      value = arguments[++i];
    }
    RETURN_IF_ERROR(flags.Take(*spec, std::move(value)));
  }
  for (const FlagSpec& spec : table) {
    if (spec.required && !flags.Has(spec.name)) {
      return UsageError(absl::StrCat("--", spec.name, " ", spec.value_name, " is required"));
    }
  }
  return flags;
}

absl::Status Flags::Take(const FlagSpec& spec, std::string value) {
  RETURN_IF_ERROR(CheckValue(spec, value));
  Entry& entry = entries_[spec.name];
  if (!entry.values.empty() && spec.kind != FlagKind::kList) {
    return UsageError(
        absl::StrCat("--", spec.name, " is given twice: \"", entry.values.front(), "\" and \"", value, "\""));
  }
  entry.values.push_back(std::move(value));
  return absl::OkStatus();
}

const Flags::Entry& Flags::Find(absl::string_view name, std::initializer_list<FlagKind> kinds) const {
  const auto found = entries_.find(name);
  SUGGEST_CHECK(found != entries_.end());
  SUGGEST_CHECK(kinds.size() == 0 || std::find(kinds.begin(), kinds.end(), found->second.kind) != kinds.end());
  return found->second;
}

bool Flags::Has(absl::string_view name) const {
  return !Find(name, {}).values.empty();
}

bool Flags::Switch(absl::string_view name) const {
  const Entry& entry = Find(name, {FlagKind::kSwitch});
  return !entry.values.empty() && entry.values.front() == "true";
}

std::string Flags::Text(absl::string_view name, absl::string_view otherwise) const {
  const Entry& entry = Find(name, {FlagKind::kText, FlagKind::kChoice, FlagKind::kAddress});
  return entry.values.empty() ? std::string(otherwise) : entry.values.front();
}

int64_t Flags::Integer(absl::string_view name, int64_t otherwise) const {
  const Entry& entry = Find(name, {FlagKind::kInteger});
  int64_t value = otherwise;
  if (!entry.values.empty()) SUGGEST_CHECK(absl::SimpleAtoi(entry.values.front(), &value));
  return value;
}

double Flags::Real(absl::string_view name, double otherwise) const {
  const Entry& entry = Find(name, {FlagKind::kReal});
  double value = otherwise;
  if (!entry.values.empty()) SUGGEST_CHECK(absl::SimpleAtod(entry.values.front(), &value));
  return value;
}

absl::Duration Flags::Duration(absl::string_view name, absl::Duration otherwise) const {
  const Entry& entry = Find(name, {FlagKind::kDuration});
  absl::Duration value = otherwise;
  if (!entry.values.empty()) SUGGEST_CHECK(absl::ParseDuration(entry.values.front(), &value));
  return value;
}

absl::Time Flags::Time(absl::string_view name, absl::Time otherwise) const {
  const Entry& entry = Find(name, {FlagKind::kTime});
  absl::Time value = otherwise;
  if (!entry.values.empty()) {
    std::string error;
    SUGGEST_CHECK(absl::ParseTime(absl::RFC3339_full, entry.values.front(), &value, &error));
  }
  return value;
}

std::vector<std::string> Flags::List(absl::string_view name) const {
  return Find(name, {FlagKind::kList}).values;
}

FlagSpec TimeoutFlag(absl::string_view standard) {
  return {.name = "timeout",
          .kind = FlagKind::kDuration,
          .value_name = "DURATION",
          .help = absl::StrCat("Give the call up after this time; ", standard, " by default.")};
}

}  // namespace suggest::cli
