// Which rows of the catalogue may be chosen: a few that are listed, or all of a shared base but a few.
//
// The base is a bit mask that is made once per catalogue and validity interval and shared by all decisions, so a
// decision's set costs what its exceptions cost, not what the catalogue does. Ranks (the place in ascending order) are
// found by counts kept per word, so a random subset needs no copy either.
//
// Threads: both are immutable values. Bytes: 3/16 of a byte per row of the base, shared; 4 per exception.
#ifndef BANDIT_CHOOSE_CANDIDATE_SET_H_
#define BANDIT_CHOOSE_CANDIDATE_SET_H_

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace suggest::bandit {

class CandidateMask {
 public:
  // Row i is a member if members[i].
  explicit CandidateMask(const std::vector<bool>& members);
  static std::shared_ptr<const CandidateMask> All(int rows);

  int rows() const { return rows_; }
  int size() const { return size_; }  // members
  bool Contains(int row) const { return row >= 0 && row < rows_ && (words_[row / 64] >> (row % 64) & 1) != 0; }
  // Members below `row`. REQUIRES: 0 <= row < rows().
  int Rank(int row) const;
  // The member with `rank` members below it. O(log rows). REQUIRES: 0 <= rank < size().
  int Nth(int rank) const;
  // Bit i % 64 of word i / 64 is row i; bits past the end are zero.
  const std::vector<uint64_t>& words() const { return words_; }

 private:
  int rows_ = 0;
  int size_ = 0;
  std::vector<uint64_t> words_;
  std::vector<int> before_;  // members before each word
};

class CandidateSet {
 public:
  CandidateSet() = default;
  // Exactly these, ascending. Implicit: a list is a set.
  CandidateSet(std::vector<int> listed) : exceptions_(std::move(listed)) {}  // NOLINT(google-explicit-constructor)
  CandidateSet(std::initializer_list<int> listed) : exceptions_(listed) {}
  // All members of `base` but `removed`. REQUIRES: `removed` ascending, each a member of `base`.
  explicit CandidateSet(std::shared_ptr<const CandidateMask> base, std::vector<int> removed = {})
      : base_(std::move(base)), exceptions_(std::move(removed)) {}

  int size() const { return static_cast<int>(base_ ? base_->size() - exceptions_.size() : exceptions_.size()); }
  bool empty() const { return size() == 0; }
  // O(log exceptions).
  bool Contains(int candidate) const;
  // The candidate with `rank` candidates below it. O(exceptions + log rows). REQUIRES: 0 <= rank < size().
  int Nth(int rank) const;
  // Calls visit(candidate) for each, ascending.
  template <typename Visit>
  void ForEach(Visit visit) const;
  std::vector<int> ToVector() const;

  // A mask of `rows` that has all candidates; exact: and no other. The shared base, or a mask of the list: O(rows)
  // then.
  struct Cover {
    std::shared_ptr<const CandidateMask> mask;
    bool exact = true;
  };
  Cover CoverOf(int rows) const;

  // Null: `exceptions` is the list; else what is removed from the base.
  const CandidateMask* base() const { return base_.get(); }
  const std::vector<int>& exceptions() const { return exceptions_; }

  // The same base, itself and not one like it, and the same exceptions.
  bool operator==(const CandidateSet&) const = default;

 private:
  std::shared_ptr<const CandidateMask> base_;
  std::vector<int> exceptions_;
};

template <typename Visit>
void CandidateSet::ForEach(Visit visit) const {
  if (base_ == nullptr) {
    for (const int candidate : exceptions_) visit(candidate);
    return;
  }
  auto removed = exceptions_.begin();
  for (size_t w = 0; w < base_->words().size(); ++w) {
    for (uint64_t left = base_->words()[w]; left != 0; left &= left - 1) {
      const int candidate = static_cast<int>(64 * w) + std::countr_zero(left);
      if (removed != exceptions_.end() && *removed == candidate) {
        ++removed;
      } else {
        visit(candidate);
      }
    }
  }
}

}  // namespace suggest::bandit

#endif  // BANDIT_CHOOSE_CANDIDATE_SET_H_
