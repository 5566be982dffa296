#include "service/ctl/checks.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace suggest::ctl {

void Checks::Add(absl::string_view check, absl::string_view status, std::string message) {
  if (status == "failed") healthy_ = false;
  findings_.push_back({std::string(check), std::string(status), absl::StrReplaceAll(message, {{"\n", "; "}})});
}

Outcome Checks::ToOutcome() const {
  Outcome outcome;
  Table table({"", "", ""});
  Json list = Json::array();
  for (const Finding& finding : findings_) {
    table.AddRow({finding.status, finding.check, finding.message});
    list.push_back(Json::object({{"check", finding.check}, {"status", finding.status}, {"message", finding.message}}));
  }
  outcome.document = Json::object({{"healthy", healthy_}, {"checks", std::move(list)}});
  outcome.text = absl::StrCat(table.Print(), healthy_ ? "healthy\n" : "not healthy\n");
  outcome.exit = healthy_ ? ExitCode::kDone : ExitCode::kFailed;
  return outcome;
}

}  // namespace suggest::ctl
