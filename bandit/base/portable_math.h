// Elementary functions that give the same bits on every x86-64 machine: plain IEEE additions, multiplications,
// divisions and square roots in a fixed order, compiled without contraction. libm's differ with and without FMA.
#ifndef BANDIT_BASE_PORTABLE_MATH_H_
#define BANDIT_BASE_PORTABLE_MATH_H_

namespace suggest {

// Natural logarithm, within 2 units in the last place (method of fdlibm's e_log.c). -inf at 0, NaN below.
double PortableLog(double x);

// log(1 + x), relative error below 1e-15 (Kahan). REQUIRES: x > -1.
double PortableLog1p(double x);

// e^x, within 2 units in the last place (method of fdlibm's e_exp.c); 0 below -745.13, +inf above 709.78.
double PortableExp(double x);

// Distribution function of the standard normal: relative error below 1e-12 in the lower tail down to -37
// (Hart 1968 above -4, Laplace's continued fraction below), 0 from there on. For an upper tail use NormalCdf(-x).
double NormalCdf(double x);

// Inverse of NormalCdf by algorithm AS 241, PPND16 (Wichura 1988): relative error about 1e-15. REQUIRES: 0 < p < 1.
double NormalQuantile(double p);

}  // namespace suggest

#endif  // BANDIT_BASE_PORTABLE_MATH_H_
