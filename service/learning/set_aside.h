// Rows of the source views that cannot be used: counted by view and reason, the first three of each named.
//
// One bad row is that row's problem. It is set aside and everything else is learned from, unless more of a view is set
// aside than a configured share: then the view is wrong rather than some rows of it.
#ifndef SERVICE_LEARNING_SET_ASIDE_H_
#define SERVICE_LEARNING_SET_ASIDE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "suggest/model/v1/report.pb.h"

namespace suggest::learning {

class SetAsideRows {
 public:
  // A row of `view` was read, whether or not it can be used.
  void CountRow(absl::string_view view) { ++rows_[std::string(view)]; }
  // A row that is not used. `row`: its key, for people.
  void Add(absl::string_view view, absl::string_view reason, absl::string_view row);
  // A row that is used, but for one value that counts as missing.
  void AddUnreadableValue(absl::string_view view, absl::string_view reason, absl::string_view row);

  // Errors: FAILED_PRECONDITION naming views, reasons, counts and first rows where more than `max_share` of a view's
  // rows are set aside.
  absl::Status CheckShare(double max_share) const;

  void WriteTo(model::v1::WarmStartReport* report) const;

 private:
  struct Group {
    int64_t rows = 0;
    std::vector<std::string> examples;  // the first three
  };
  using Groups = absl::btree_map<std::pair<std::string, std::string>, Group>;  // by (view, reason)

  static void AddTo(Groups& groups, absl::string_view view, absl::string_view reason, absl::string_view row);
  void Write(const std::pair<std::string, std::string>& key, const Group& group, model::v1::SetAside* out) const;
  int64_t RowsOf(const std::string& view) const;

  absl::btree_map<std::string, int64_t> rows_;
  Groups set_aside_, unreadable_;
};

// "source.suggestions: 12 of 600 rows set aside: its recommendation is not in the catalogue (s1, s2, s3, ...)".
std::string SetAsideText(const model::v1::SetAside& group, absl::string_view what = "rows set aside");

}  // namespace suggest::learning

#endif  // SERVICE_LEARNING_SET_ASIDE_H_
