// How long the customers of the delay simulator take to buy: distributions cut at the attribution window W, with the
// parameter that gives the cut distribution the mean asked for.
//
//   exponential  F(h) = (1 - e^(-h/s)) / (1 - e^(-W/s)),       mean  s - W e^(-W/s) / (1 - e^(-W/s))
//   log-normal   F(h) = Phi((ln h - m)/sigma) / Phi((ln W - m)/sigma), sigma = 2,
//                mean  e^(m + sigma^2/2) Phi((ln W - m)/sigma - sigma) / Phi((ln W - m)/sigma)
// Portable: the same bits on every x86-64 machine. Threads: immutable.
#ifndef SERVICE_LAB_SIMULATION_PURCHASE_DELAY_H_
#define SERVICE_LAB_SIMULATION_PURCHASE_DELAY_H_

namespace suggest::simulation {

class PurchaseDelay {
 public:
  // REQUIRES (both): window_hours > 0, 0.001 < mean_share < 0.5: the mean over the window.
  static PurchaseDelay Exponential(double window_hours, double mean_share);
  static PurchaseDelay LogNormal(double window_hours, double mean_share);
  // By s itself. REQUIRES: window_hours > 0, scale_hours > 0.
  static PurchaseDelay ExponentialOfScale(double window_hours, double scale_hours);

  // P(delay <= hours): 0 up to 0, 1 from the window on.
  double Cdf(double hours) const;
  // The delay in hours, in (0, window]. REQUIRES: 0 < u < 1.
  double Quantile(double u) const;
  // In hours, by the formula above.
  double Mean() const;

 private:
  enum class Family { kExponential, kLogNormal };
  PurchaseDelay(Family family, double window_hours, double parameter)
      : family_(family), window_hours_(window_hours), parameter_(parameter) {}

  Family family_;
  double window_hours_;
  double parameter_;  // s / W, or m - ln W
};

}  // namespace suggest::simulation

#endif  // SERVICE_LAB_SIMULATION_PURCHASE_DELAY_H_
