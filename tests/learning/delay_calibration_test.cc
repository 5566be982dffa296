// Whether a posterior from pending exposures alone is right and as certain as it says (acceptance test 11 of the delay
// modes): 600 repetitions of 3000 pending exposures, about 10 seconds of one core.
//
// Seeds are fixed, so a run repeats exactly. False alarms with other seeds, by the standard errors that the command
// prints (suggestlab simulate-delay --scenario calibration): bias has .00027, chi2/d of exposure .04 around 1.03, of
// expected_label .06 around 1.6. So the bounds on exposure's bias are 5 standard errors away (below 1e-6), those on its
// chi2/d at least 3 (below 0.5 %), the others at least 3.
#include "service/lab/simulation/delay_calibration.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace suggest::simulation {
namespace {

TEST(DelayedFeedbackCalibration, Test11_ExposureIsUnbiasedAndCalibratedAndTheOthersAreAsTheoryHasThem) {
  ASSERT_OK_AND_ASSIGN(const auto calibration, RunDelayCalibration({.jobs = 2}));
  SCOPED_TRACE(FormatDelayCalibration(calibration));
  const auto find = [&](const std::string& name) {
    for (const auto& mode : calibration.modes()) {
      if (mode.name() == name) return mode;
    }
    ADD_FAILURE() << "no mode " << name;
    return model::v1::CalibrationResult();
  };
  EXPECT_LT(std::abs(find("oracle").bias().mean()), 0.0015);
  EXPECT_GT(find("oracle").chi_square().mean(), 0.88);
  EXPECT_LT(find("oracle").chi_square().mean(), 1.12);

  EXPECT_LT(std::abs(find("exposure").bias().mean()), 0.0015);
  EXPECT_GE(find("exposure").chi_square().mean(), 0.9);
  EXPECT_LE(find("exposure").chi_square().mean(), 1.15);

  // An imputed label counts as a seen one: unbiased, but too certain.
  EXPECT_LT(std::abs(find("expected_label").bias().mean()), 0.0015);
  EXPECT_NEAR(find("expected_label").chi_square().mean(), 1.6, 0.2);

  EXPECT_NEAR(find("fake_negative").bias().mean(), -0.059, 0.002);
  // ES-DFM is unbiased only once the late purchases of older exposures stand in for those of the young.
  EXPECT_NEAR(find("es_dfm_iw").bias().mean(), -0.044, 0.002);
  EXPECT_NEAR(find("es_dfm_iw, count form").bias().mean(), -0.044, 0.002);
  EXPECT_GT(find("es_dfm_iw").chi_square().mean(), find("es_dfm_iw, count form").chi_square().mean());
}

}  // namespace
}  // namespace suggest::simulation
