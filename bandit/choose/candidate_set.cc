#include "bandit/choose/candidate_set.h"

#include <algorithm>

#include "bandit/base/check.h"

namespace suggest::bandit {

CandidateMask::CandidateMask(const std::vector<bool>& members)
    : rows_(static_cast<int>(members.size())), words_((members.size() + 63) / 64, 0) {
  for (int i = 0; i < rows_; ++i) words_[i / 64] |= uint64_t{members[i]} << (i % 64);
  for (const uint64_t word : words_) {
    before_.push_back(size_);
    size_ += std::popcount(word);
  }
}

std::shared_ptr<const CandidateMask> CandidateMask::All(int rows) {
  return std::make_shared<const CandidateMask>(std::vector<bool>(rows, true));
}

int CandidateMask::Rank(int row) const {
  const uint64_t below = (uint64_t{1} << (row % 64)) - 1;
  return before_[row / 64] + std::popcount(words_[row / 64] & below);
}

int CandidateMask::Nth(int rank) const {
  SUGGEST_CHECK(rank >= 0 && rank < size_);
  const auto word = std::upper_bound(before_.begin(), before_.end(), rank) - before_.begin() - 1;
  uint64_t left = words_[word];
  for (int skip = rank - before_[word]; skip > 0; --skip) left &= left - 1;
  return static_cast<int>(64 * word) + std::countr_zero(left);
}

bool CandidateSet::Contains(int candidate) const {
  const bool excepted = std::binary_search(exceptions_.begin(), exceptions_.end(), candidate);
  return base_ == nullptr ? excepted : base_->Contains(candidate) && !excepted;
}

int CandidateSet::Nth(int rank) const {
  SUGGEST_CHECK(rank >= 0 && rank < size());
  if (base_ == nullptr) return exceptions_[rank];
  int in_base = rank;
  for (const int removed : exceptions_) {
    if (base_->Rank(removed) > in_base) break;
    ++in_base;
  }
  return base_->Nth(in_base);
}

std::vector<int> CandidateSet::ToVector() const {
  std::vector<int> all;
  all.reserve(size());
  ForEach([&all](int candidate) { all.push_back(candidate); });
  return all;
}

CandidateSet::Cover CandidateSet::CoverOf(int rows) const {
  if (base_ != nullptr) return {base_, exceptions_.empty()};
  std::vector<bool> members(rows, false);
  for (const int candidate : exceptions_) members[candidate] = true;
  return {std::make_shared<const CandidateMask>(members), true};
}

}  // namespace suggest::bandit
