#include "bandit/base/portable_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace suggest {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLn2High = 6.93147180369123816490e-01;  // the upper 33 bits of log 2: k * kLn2High is exact
constexpr double kLn2Low = 1.90821492927058770002e-10;

// x 2^k for -2098 <= k <= 1023, by at most three exact multiplications (the last one rounds when subnormal).
double ScaleByPowerOfTwo(double x, int k) {
  while (k < -1022) {
    x *= 0x1p-969;
    k += 969;
  }
  return x * std::bit_cast<double>(static_cast<uint64_t>(k + 1023) << 52);
}

// Value of the polynomial whose coefficients stand lowest power first.
template <int n>
double Polynomial(const double (&coefficients)[n], double x) {
  double value = coefficients[n - 1];
  for (int i = n - 2; i >= 0; --i) value = value * x + coefficients[i];
  return value;
}

// AS 241: central region |p - 1/2| <= 0.425, argument 0.180625 - q^2.
constexpr double kCentralTop[] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                                  1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                  3.3430575583588128105e+4, 2.5090809287301226727e+3};
constexpr double kCentralBottom[] = {1.0,
                                     4.2313330701600911252e+1,
                                     6.8718700749205790830e+2,
                                     5.3941960214247511077e+3,
                                     2.1213794301586595867e+4,
                                     3.9307895800092710610e+4,
                                     2.8729085735721942674e+4,
                                     5.2264952788528545610e+3};
// Middle region, r = sqrt(-log p) <= 5, argument r - 1.6.
constexpr double kMiddleTop[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                                 3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                                 2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr double kMiddleBottom[] = {1.0,
                                    2.05319162663775882187e0,
                                    1.67638483018380384940e0,
                                    6.89767334985100004550e-1,
                                    1.48103976427480074590e-1,
                                    1.51986665636164571966e-2,
                                    5.47593808499534494600e-4,
                                    1.05075007164441684324e-9};
// Far tail, argument r - 5.
constexpr double kTailTop[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                               2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr double kTailBottom[] = {1.0,
                                  5.99832206555887937690e-1,
                                  1.36929880922735805310e-1,
                                  1.48753612908506148525e-2,
                                  7.86869131145613259100e-4,
                                  1.84631831751005468180e-5,
                                  1.42151175831644588870e-7,
                                  2.04426310338993978564e-15};

// Hart's rational approximation of e^(x^2/2) (1 - Phi(x)), for 0 <= x < 4.
constexpr double kCdfTop[] = {220.206867912376, 221.213596169931,  112.079291497871,    33.912866078383,
                              6.37396220353165, 0.700383064443688, 3.52624965998911e-02};
constexpr double kCdfBottom[] = {440.413735824752, 793.826512519948, 637.333633378831, 296.564248779674,
                                 86.7807322029461, 16.064177579207,  1.75566716318264, 8.83883476483184e-02};

}  // namespace

double PortableLog(double x) {
  if (!(x > 0)) return x == 0 ? -kInfinity : std::numeric_limits<double>::quiet_NaN();
  if (x == kInfinity) return x;
  int k = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1p54;
    k = -54;
  }
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  k += static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++k;
  }
  // log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)), s = f / (2 + f).
  constexpr double kLg[] = {0.0,
                            6.666666666666735130e-01,
                            3.999999999940941908e-01,
                            2.857142874366239149e-01,
                            2.222219843214978396e-01,
                            1.818357216161805012e-01,
                            1.531383769920937332e-01,
                            1.479819860511658591e-01};
  const double f = m - 1.0;
  const double s = f / (2.0 + f);
  const double r = Polynomial(kLg, s * s);
  const double half_square = 0.5 * f * f;
  return k * kLn2High - ((half_square - (s * (half_square + r) + k * kLn2Low)) - f);
}

double PortableLog1p(double x) {
  const double u = 1.0 + x;
  if (u == 1.0) return x;
  if (u == kInfinity) return u;
  return PortableLog(u) * (x / (u - 1.0));
}

double PortableExp(double x) {
  if (x != x) return x;
  if (x > 709.782712893384) return kInfinity;
  if (x < -745.2) return 0.0;
  const double scaled = x * 1.44269504088896338700;
  const int k = static_cast<int>(scaled + (x < 0 ? -0.5 : 0.5));
  const double high = x - k * kLn2High;
  const double low = k * kLn2Low;
  const double r = high - low;
  constexpr double kP[] = {0.0,
                           1.66666666666666019037e-01,
                           -2.77777777770155933842e-03,
                           6.61375632143793436117e-05,
                           -1.65339022054652515390e-06,
                           4.13813679705723846039e-08};
  const double c = r - Polynomial(kP, r * r);
  const double y = 1.0 - ((low - (r * c) / (2.0 - c)) - high);
  return k == 1024 ? ScaleByPowerOfTwo(y * 2.0, 1023) : ScaleByPowerOfTwo(y, k);
}

double NormalCdf(double x) {
  const double a = x < 0 ? -x : x;
  double tail = 0.0;
  if (a <= 37.0) {
    const double density = PortableExp(-0.5 * a * a);
    if (a < 4.0) {
      tail = density * Polynomial(kCdfTop, a) / Polynomial(kCdfBottom, a);
    } else {
      double fraction = a;  // Laplace's continued fraction of Mills' ratio
      for (int i = 24; i >= 1; --i) fraction = a + i / fraction;
      tail = density / fraction / 2.5066282746310002;
    }
  }
  return x > 0 ? 1.0 - tail : tail;
}

double NormalQuantile(double p) {
  const double q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * Polynomial(kCentralTop, r) / Polynomial(kCentralBottom, r);
  }
  const double r = std::sqrt(-PortableLog(q < 0 ? p : 1.0 - p));
  const double value = r <= 5.0 ? Polynomial(kMiddleTop, r - 1.6) / Polynomial(kMiddleBottom, r - 1.6)
                                : Polynomial(kTailTop, r - 5.0) / Polynomial(kTailBottom, r - 5.0);
  return q < 0 ? -value : value;
}

}  // namespace suggest
