#include "service/learning/set_aside.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace suggest::learning {
namespace {

constexpr size_t kExamples = 3;

}  // namespace

void SetAsideRows::AddTo(Groups& groups, absl::string_view view, absl::string_view reason, absl::string_view row) {
  Group& group = groups[{std::string(view), std::string(reason)}];
  ++group.rows;
  if (group.examples.size() < kExamples) group.examples.emplace_back(row);
}

void SetAsideRows::Add(absl::string_view view, absl::string_view reason, absl::string_view row) {
  AddTo(set_aside_, view, reason, row);
}

void SetAsideRows::AddUnreadableValue(absl::string_view view, absl::string_view reason, absl::string_view row) {
  AddTo(unreadable_, view, reason, row);
}

int64_t SetAsideRows::RowsOf(const std::string& view) const {
  const auto found = rows_.find(view);
  return found == rows_.end() ? 0 : found->second;
}

void SetAsideRows::Write(const std::pair<std::string, std::string>& key, const Group& group,
                         model::v1::SetAside* out) const {
  out->set_view(key.first);
  out->set_reason(key.second);
  out->set_rows(group.rows);
  out->set_rows_of_view(RowsOf(key.first));
  for (const std::string& example : group.examples) out->add_examples(example);
}

absl::Status SetAsideRows::CheckShare(double max_share) const {
  absl::btree_map<std::string, int64_t> sums;
  for (const auto& [key, group] : set_aside_) sums[key.first] += group.rows;
  std::vector<std::string> problems;
  for (const auto& [view, sum] : sums) {
    if (static_cast<double>(sum) <= max_share * static_cast<double>(RowsOf(view))) continue;
    for (const auto& [key, group] : set_aside_) {
      if (key.first != view) continue;
      model::v1::SetAside row;
      Write(key, group, &row);
      problems.push_back(SetAsideText(row));
    }
  }
  if (problems.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("more of the history cannot be used than learning.max_set_aside_share, ", max_share,
                   ", allows: correct the views, or raise that share. ", absl::StrJoin(problems, "; ")));
}

void SetAsideRows::WriteTo(model::v1::WarmStartReport* report) const {
  for (const auto& [key, group] : set_aside_) Write(key, group, report->add_set_aside());
  for (const auto& [key, group] : unreadable_) Write(key, group, report->add_unreadable_values());
}

std::string SetAsideText(const model::v1::SetAside& group, absl::string_view what) {
  const bool more = group.rows() > group.examples_size();
  return absl::StrCat(group.view(), ": ", group.rows(), " of ", group.rows_of_view(), " ", what, ": ", group.reason(),
                      " (", absl::StrJoin(group.examples(), ", "), more ? ", ..." : "", ")");
}

}  // namespace suggest::learning
