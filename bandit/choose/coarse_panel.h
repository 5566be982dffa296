// The catalogue in 8-bit fixed point, a quarter of the bytes of single precision: what the selecting kernel streams
// (score_kernel.h). It only says which candidates could be among the best (selector.h).
//
// Column c is z_jc = m_c + s_c q_jc + r_jc with whole |q_jc| <= 127, m_c the middle of its range and |r_jc| <= R_c, as
// found. Columns that do not vary are left out: they order nothing. So are those whose numbers are too small or too
// large for quotients; R_c is half their range then. What is stored is q_jc + 128, since processors multiply unsigned
// bytes with signed ones; it adds the same to the score of every candidate. Columns stand in fours: blocks of
// kPanelRows candidates, in a block four after four, and of four columns the bytes of each candidate side by side. Rows
// past the end are zero.
//
// A weight vector becomes whole numbers v_c ~ w_c s_c / u with |v_c| <= 32639, u about as small as keeps that and
// sum_c |v_c| 255 < 2^31. 16 bits, since rounding them to 8 as well would double the error.
// Then for every candidate, with one constant for all,
//   |u sum_c v_c (q_jc + 128) + constant - z_j' w| <= sum_c |w_c| R_c + 127 sum_c |w_c s_c - u v_c| + rounding.
//
// Immutable: any number of threads. Bytes: 1 per entry.
#ifndef BANDIT_CHOOSE_COARSE_PANEL_H_
#define BANDIT_CHOOSE_COARSE_PANEL_H_

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "bandit/choose/score_kernel.h"

namespace suggest::bandit {

class CoarsePanel {
 public:
  CoarsePanel() = default;
  // `row_major`: rows of `cols` finite numbers.
  CoarsePanel(absl::Span<const double> row_major, int cols);

  int blocks() const { return blocks_; }
  int fours() const { return static_cast<int>(columns_.size() + 3) / 4; }
  // 64-byte aligned; the bytes of a block's four f of candidate `lane` from ((block fours + f) kPanelRows + lane) 4 on.
  const uint8_t* data() const { return lines_.empty() ? nullptr : lines_.data()->bytes; }

  struct Weights {
    std::vector<FourWeights> fours;
    int32_t most_low = 0;  // what low digits add to a score at most
    double unit = 1;       // u
    double bound = 0;      // how far a whole-number score may be from z_j' w / u less the constant
  };
  // Of the first columns of `w`, which may be longer. No fours: the panel is of no use for it.
  Weights Quantise(const Eigen::VectorXd& w) const;

  // Over the first blocks, one per word of `eligible`. REQUIRES: no more than there are; both arguments outlive the
  // pass.
  ScorePass PassOver(const Weights& weights, absl::Span<const uint64_t> eligible) const;

 private:
  struct alignas(64) Line {
    uint8_t bytes[64];
  };
  struct Column {
    int index = 0;
    double step = 0;  // s
  };

  int blocks_ = 0;
  std::vector<Column> columns_;  // those that vary
  // Of each column of the catalogue.
  std::vector<double> residuals_;  // R
  std::vector<double> maxima_;     // largest |z|
  std::vector<Line> lines_;
};

}  // namespace suggest::bandit

#endif  // BANDIT_CHOOSE_COARSE_PANEL_H_
