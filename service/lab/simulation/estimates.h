// Means over replicates with their standard errors.
#ifndef SERVICE_LAB_SIMULATION_ESTIMATES_H_
#define SERVICE_LAB_SIMULATION_ESTIMATES_H_

#include <vector>

#include "suggest/model/v1/simulation.pb.h"

namespace suggest::simulation {

// Mean and standard error of independent numbers; the error is 0 for a single one. REQUIRES: at least one.
model::v1::Estimate MeanOf(const std::vector<double>& values);

// Of a[i] - b[i]. REQUIRES: the same length.
model::v1::Estimate PairedDifferenceOf(const std::vector<double>& a, const std::vector<double>& b);

// R = mean(a) / mean(b); its error to first order is that of a - R b, divided by mean(b). REQUIRES: mean(b) is not 0.
model::v1::Estimate PairedRatioOf(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_ESTIMATES_H_
