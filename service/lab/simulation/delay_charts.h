// Pictures of a delay study.
#ifndef SERVICE_LAB_SIMULATION_DELAY_CHARTS_H_
#define SERVICE_LAB_SIMULATION_DELAY_CHARTS_H_

#include "service/chart/svg_chart.h"
#include "suggest/model/v1/simulation.pb.h"

namespace suggest::simulation {

// Cumulative regret by day, a line per mode; modes that are told the truth (*_true) are left to the table.
chart::Chart RegretChart(const model::v1::DelayStudy& study);

// Each mode's regret over the oracle's, with bars of one standard error.
chart::Chart RatioChart(const model::v1::DelayStudy& study);

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_DELAY_CHARTS_H_
