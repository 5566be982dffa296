#include "service/server/follow/change_follower.h"

#include <chrono>

#include "absl/strings/str_join.h"

namespace suggest::server {
namespace {

using storage::Change;

constexpr absl::Duration kSignOfLife = absl::Milliseconds(250);
// Views and triggers may be changed while the service runs.
constexpr std::chrono::seconds kCheckPeriod{5};

}  // namespace

ChangeFollower::ChangeFollower(const Surroundings& surroundings, StopSignal* catalogue_changed)
    : s_(surroundings), catalogue_changed_(catalogue_changed), watcher_(surroundings.database) {}

void ChangeFollower::Follow(StopSignal& stop) {
  while (!stop.stopped()) {
    if (!Listen(kSignOfLife).ok()) stop.WaitFor(kSignOfLife);
  }
}

absl::Status ChangeFollower::Listen(absl::Duration timeout) {
  const auto changes = watcher_.Wait(timeout);
  if (!changes.ok()) {
    s_.customers->Unheard();
    s_.metrics->SetChangesHeard(false);
    if (hears_catalogue_.exchange(false)) catalogue_changed_->Wake();
    next_check_ = {};
    return changes.status();
  }
  const auto now = std::chrono::steady_clock::now();
  for (const Change& change : *changes) Apply(change);
  if (now >= next_check_) {
    CheckTriggers();
    next_check_ = now + kCheckPeriod;
  }
  s_.customers->Heard(now, coverage_.customers);
  s_.metrics->SetChangesHeard(true);
  return absl::OkStatus();
}

void ChangeFollower::CheckTriggers() {
  const auto coverage = storage::ChangeStore(s_.database).Triggers();
  const bool told_before = coverage_.customers;
  coverage_ = coverage.ok() ? *coverage : storage::Coverage();
  // What was loaded while nothing told of changes may be old.
  if (coverage_.customers && !told_before) s_.customers->InvalidateAll();
  if (!coverage_.recommendations || !hears_catalogue_.load()) catalogue_changed_->Wake();
  hears_catalogue_.store(coverage_.recommendations);
  const std::string unwatched =
      coverage.ok() ? absl::StrJoin(coverage_.unwatched, ", ") : std::string(coverage.status().message());
  if (unwatched == reported_) return;
  reported_ = unwatched;
  if (unwatched.empty()) return;
  s_.log->Write(LogLevel::kWarning, "no triggers tell of changes: caches go by age", {{"tables", unwatched}});
}

void ChangeFollower::Apply(const Change& change) {
  switch (change.kind) {
    case Change::Kind::kCustomers:
      if (change.all) s_.customers->InvalidateAll();
      for (const std::string& id : change.ids) s_.customers->Invalidate(id);
      return;
    case Change::Kind::kRecommendations:
      return catalogue_changed_->Wake();
    case Change::Kind::kDecisions:
      if (change.origin == s_.announcer->origin()) return;
      if (change.all) s_.customers->ForgetAllOpen();
      for (const std::string& id : change.ids) s_.customers->ForgetOpen(id);
      return;
  }
}

}  // namespace suggest::server
