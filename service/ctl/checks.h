// The findings of `suggestctl doctor`: one line each.
#ifndef SERVICE_CTL_CHECKS_H_
#define SERVICE_CTL_CHECKS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "service/ctl/command.h"

namespace suggest::ctl {

class Checks {
 public:
  void Ok(absl::string_view check, std::string message) { Add(check, "ok", std::move(message)); }
  // Worth a look; the service works.
  void Warning(absl::string_view check, std::string message) { Add(check, "warning", std::move(message)); }
  // The service, or a part of it, does not work.
  void Failed(absl::string_view check, std::string message) { Add(check, "failed", std::move(message)); }
  // Could not be looked at because of an earlier finding.
  void Skipped(absl::string_view check, std::string message) { Add(check, "skipped", std::move(message)); }

  bool healthy() const { return healthy_; }

  // {"healthy", "checks": [{"check", "status", "message"}]}; exit code 1 unless healthy.
  Outcome ToOutcome() const;

 private:
  struct Finding {
    std::string check;
    std::string status;
    std::string message;
  };
  void Add(absl::string_view check, absl::string_view status, std::string message);

  std::vector<Finding> findings_;
  bool healthy_ = true;
};

}  // namespace suggest::ctl

#endif  // SERVICE_CTL_CHECKS_H_
