#include "service/ctl/checks.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "service/ctl/table.h"

namespace suggest::ctl {

void Checks::Add(absl::string_view check, absl::string_view status, std::string message) {
  if (status == "failed") healthy_ = false;
  findings_.push_back({std::string(check), std::string(status), absl::StrReplaceAll(message, {{"\n", "; "}})});
}

Outcome Checks::ToOutcome() const {
  Outcome outcome;
  Table table({"", "", ""});
  Json list = Json::Array();
  for (const Finding& finding : findings_) {
    table.AddRow({finding.status, finding.check, finding.message});
    list.Append(Json::Object({{"check", finding.check}, {"status", finding.status}, {"message", finding.message}}));
  }
  outcome.document = Json::Object({{"healthy", healthy_}, {"checks", std::move(list)}});
  outcome.text = absl::StrCat(table.Print(), healthy_ ? "healthy\n" : "not healthy\n");
  outcome.exit = healthy_ ? ExitCode::kDone : ExitCode::kFailed;
  return outcome;
}

}  // namespace suggest::ctl
