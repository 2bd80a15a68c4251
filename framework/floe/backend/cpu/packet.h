// Packet: as many floats or doubles as one vector register holds, on Eigen's packet math, so that a pointwise formula
// written once for a type T runs on whole registers.
#pragma once

#include <cmath>
#include <initializer_list>
#include <limits>
#include <numbers>
#include <type_traits>

#include <Eigen/Core>

#include <floe/backend/math.h>

namespace floe::cpu {

template <class S>
constexpr bool is_float = std::is_same_v<S, float>;

template <class S>
struct Packet {
  using Raw = typename Eigen::internal::packet_traits<S>::type;
  static constexpr int size = Eigen::internal::unpacket_traits<Raw>::size;

  Raw raw;

  Packet() = default;
  Packet(const Raw& raw) : raw(raw) {}
  template <class N> requires std::is_arithmetic_v<N>
  Packet(N number) : raw(Eigen::internal::pset1<Raw>(static_cast<S>(number))) {}

  static Packet load(const S* from) { return Eigen::internal::ploadu<Raw>(from); }
  void store(S* to) const { Eigen::internal::pstoreu(to, raw); }

  // To an aligned place, past the caches and without reading it first: for what no cache holds. See finish_streams().
  void stream(S* to) const {
#if defined(__AVX512F__)
    if constexpr (is_float<S>)
      _mm512_stream_ps(to, raw);
    else _mm512_stream_pd(to, raw);
#elif defined(__AVX__)
    if constexpr (is_float<S>)
      _mm256_stream_ps(to, raw);
    else _mm256_stream_pd(to, raw);
#else
    store(to);
#endif
  }

  void store(S* to, bool past_caches) const {
    if (past_caches) stream(to);
    else store(to);
  }

  // For the tail of an array: always packet math, so that an element's value never depends on its place.
  static Packet load_part(const S* from, int count) {
#if defined(__AVX512F__)
    if constexpr (is_float<S>)
      return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
    else return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << count) - 1), from);
#else
    alignas(64) S lanes[size] = {};
    for (int i = 0; i < count; ++i) lanes[i] = from[i];
    return load(lanes);
#endif
  }
  void store_part(S* to, int count) const {
#if defined(__AVX512F__)
    if constexpr (is_float<S>)
      _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), raw);
    else _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1u << count) - 1), raw);
#else
    alignas(64) S lanes[size];
    store(lanes);
    for (int i = 0; i < count; ++i) to[i] = lanes[i];
#endif
  }

  S total() const { return Eigen::internal::predux(raw); }  // the sum of all lanes

  // A function that has no packet form, lane by lane.
  template <class Function>
  Packet each(Function function) const {
    alignas(64) S lanes[size];
    store(lanes);
    for (S& lane : lanes) lane = function(lane);
    return load(lanes);
  }

  friend Packet operator+(Packet a, Packet b) { return Eigen::internal::padd(a.raw, b.raw); }
  friend Packet operator-(Packet a, Packet b) { return Eigen::internal::psub(a.raw, b.raw); }
  friend Packet operator*(Packet a, Packet b) { return Eigen::internal::pmul(a.raw, b.raw); }
  friend Packet operator/(Packet a, Packet b) { return Eigen::internal::pdiv(a.raw, b.raw); }
  friend Packet operator-(Packet a) { return Eigen::internal::pnegate(a.raw); }
};

// Makes the streams of this thread visible to the others.
inline void finish_streams() {
#if defined(__AVX__)
  _mm_sfence();
#endif
}

}  // namespace floe::cpu

namespace floe::math {

using cpu::Packet, cpu::is_float;
namespace packet = Eigen::internal;

template <class S>
Packet<S> equal(Packet<S> a, Packet<S> b) {
  return packet::pcmp_eq(a.raw, b.raw);
}
template <class S> Packet<S> less(Packet<S> a, Packet<S> b) { return packet::pcmp_lt(a.raw, b.raw); }
template <class S> Packet<S> less_equal(Packet<S> a, Packet<S> b) { return packet::pcmp_le(a.raw, b.raw); }
template <class S>
Packet<S> select(Packet<S> mask, Packet<S> a, Packet<S> b) {
  return packet::pselect(mask.raw, a.raw, b.raw);
}
template <class S>
Packet<S> maximum(Packet<S> a, Packet<S> b) {
  return packet::pmax<Eigen::PropagateNaN>(a.raw, b.raw);
}
template <class S>
Packet<S> minimum(Packet<S> a, Packet<S> b) {
  return packet::pmin<Eigen::PropagateNaN>(a.raw, b.raw);
}
template <class S> Packet<S> abs(Packet<S> x) { return packet::pabs(x.raw); }
template <class S>
Packet<S> fma(Packet<S> a, Packet<S> b, Packet<S> c) {
  return packet::pmadd(a.raw, b.raw, c.raw);
}
template <class S>
Packet<S> multiply_no_nan(Packet<S> a, Packet<S> b) {
  return select(equal(b, Packet<S>(0)), Packet<S>(0), a * b);
}
template <class S> Packet<S> floor(Packet<S> x) { return packet::pfloor(x.raw); }
template <class S>
Packet<S> rint(Packet<S> x) {
  return packet::print(x.raw);
}

// Eigen's square root is an approximation, and NaN at infinity.
template <class S>
Packet<S> sqrt(Packet<S> x) {
#if defined(__AVX512F__)
  if constexpr (is_float<S>)
    return _mm512_sqrt_ps(x.raw);
  else return _mm512_sqrt_pd(x.raw);
#elif defined(__AVX__)
  if constexpr (is_float<S>)
    return _mm256_sqrt_ps(x.raw);
  else return _mm256_sqrt_pd(x.raw);
#else
  return x.each([](S lane) { return std::sqrt(lane); });
#endif
}

// The lowest bits of a float as the exponent of another.
template <class Raw>
Raw power_from_bits(const Raw& exponent) {
  using Bits = typename packet::unpacket_traits<Raw>::integer_packet;
  return packet::preinterpret<Raw>(packet::plogical_shift_left<23>(packet::preinterpret<Bits>(exponent)));
}

// The whole number nearest to x times a factor, of up to half the digits: a number so large has none behind the point.
template <class S>
Packet<S> whole(Packet<S> x, double times) {
  const Packet<S> large(is_float<S> ? 0x1.8p23 : 0x1.8p52);
  return fma(x, Packet<S>(times), large) - large;
}

// y * 2^n for whole n, rounded once, also where 2^n alone is beyond S.
template <class S>
Packet<S> scaled(Packet<S> y, Packet<S> n) {
#if defined(__AVX512F__)
  if constexpr (is_float<S>)
    return _mm512_scalef_ps(y.raw, n.raw);
  else return _mm512_scalef_pd(y.raw, n.raw);
#else
  if constexpr (is_float<S>) {
    // Two factors, each written as the bits of its exponent.
    auto power = [](Packet<S> exponent) -> Packet<S> {
      return power_from_bits((exponent + Packet<S>(0x1p23 + 127)).raw);
    };
    const Packet<S> half = whole(n, 0.5);
    return y * power(half) * power(n - half);
  } else {
    return packet::pldexp(y.raw, n.raw);
  }
#endif
}

// A polynomial of x, the coefficient of the highest power first.
template <class S>
Packet<S> horner(Packet<S> x, std::initializer_list<double> coefficients) {
  Packet<S> p(*coefficients.begin());
  for (const double* c = coefficients.begin() + 1; c < coefficients.end(); ++c) p = fma(p, x, Packet<S>(*c));
  return p;
}

// What e^x is made of: x + rest = n log 2 + r with r near 0, and e^r = 1 + above_one. `rest` is what does not fit into
// the digits of x.
template <class S>
class Exponential {
 public:
  explicit Exponential(Packet<S> x) : n(whole(x, std::numbers::log2e)), r(fma(n, low(), without_high(x))) {}
  Exponential(Packet<S> x, Packet<S> rest)
      : n(whole(x, std::numbers::log2e)), r(without_high(x) + fma(n, low(), rest)) {}

  Packet<S> curve() const {  // (e^r - 1 - r) / r^2
    if constexpr (is_float<S>)
      return horner(r, {1.9891080e-4, 1.3933731e-3, 8.3333108e-3, 4.1666464e-2, 1.6666667e-1, 0.5});
    else
      return horner(r, {2.0914755325893202e-9, 2.5105312729622102e-8, 2.7557273478718580e-7, 2.7557255170000887e-6,
                        2.4801587325677462e-5, 1.9841269875002279e-4, 1.3888888888883711e-3, 8.3333333333260831e-3,
                        4.1666666666666670e-2, 1.6666666666666671e-1, 0.5});
  }
  Packet<S> above_one() const { return fma(curve(), r * r, r); }
  Packet<S> value() const { return scaled(above_one() + Packet<S>(1), n); }
  // (a + rest) e^x, multiplied before it is so small that it has fewer digits.
  Packet<S> times(Packet<S> a, Packet<S> rest) const { return scaled(a + fma(a, above_one(), rest), n); }

  const Packet<S> n, r;

 private:
  static constexpr double high = is_float<S> ? 0.693359375 : 0.693145751953125;  // so short: n * high is exact
  static Packet<S> low() { return high - std::numbers::ln2; }
  Packet<S> without_high(Packet<S> x) const { return fma(n, Packet<S>(-high), x); }
};

// x from low to high; NaN stays.
template <class S>
Packet<S> within(Packet<S> x, double low, double high) {
  return packet::pmax(packet::pmin(x.raw, Packet<S>(high).raw), Packet<S>(low).raw);
}

template <class S>
Packet<S> exp(Packet<S> x) {
  return Exponential<S>(is_float<S> ? within(x, -104, 89) : within(x, -746, 710)).value();
}

// e^x - 1 = 2^n r^2 p + (2^n r + (2^n - 1)), where the last bracket is exact. By halves, so that only what is too
// large is infinite; except where x is so small that a half has fewer digits.
template <class S>
Packet<S> expm1(Packet<S> x) {
  const Exponential<S> e(is_float<S> ? within(x, -20, 89) : within(x, -40, 710));
  const Packet<S> half(0.5), power = scaled(half, e.n);
  const Packet<S> y = fma(power * e.r * e.r, e.curve(), fma(power, e.r, power - half));
  return select(less(abs(x), Packet<S>(is_float<S> ? 0x1p-30 : 0x1p-60)), x, y + y);
}

// Where a number is below the normal ones, its logarithm is that of its multiple.
template <class S>
Packet<S> log(Packet<S> x) {
  constexpr double times = is_float<S> ? 0x1p24 : 0x1p54, logarithm = (is_float<S> ? 24 : 54) * std::numbers::ln2;
  const Packet<S> small = less(x, Packet<S>(std::numeric_limits<S>::min()));
  const Packet<S> y = packet::plog(select(small, x * Packet<S>(times), x).raw);
  return select(small, y - Packet<S>(logarithm), y);
}

// The logarithm of what 1 + x is rounded to, and what that has lost.
template <class S>
Packet<S> log1p(Packet<S> x) {
  const Packet<S> one(1), sum = one + x, rest = (x - (sum - one)) / sum, y = log(sum);
  return select(equal(sum, one), x, select(equal(rest, rest), y + rest, y));  // there is no number at -1 and infinity
}

template <class S>
Packet<S> with_sign_of(Packet<S> y, Packet<S> x) {
  return packet::por(y.raw, packet::pand(x.raw, Packet<S>(-0.0).raw));
}

// Near 0 a polynomial, as in Cephes; then 1 - 2 / (e^(2 |x|) + 1).
template <class S>
Packet<S> tanh(Packet<S> x) {
  if constexpr (is_float<S>) {
    const Packet<S> size = packet::pmin(abs(x).raw, Packet<S>(10).raw), square = size * size, one(1);
    const Packet<S> p =
        horner(square, {-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1});
    const Packet<S> far = one - Packet<S>(2) / (Exponential<S>(size + size).value() + one);
    return with_sign_of(select(less(size, Packet<S>(0.625)), fma(p * square, size, size), far), x);
  } else {
    return x.each([](double lane) { return std::tanh(lane); });
  }
}

// e^-|x| / (1 + e^-|x|), where the sum's rounding is made up for.
template <class S>
Packet<S> smaller_sigmoid(Packet<S> x) {
  const Packet<S> e = exp(-abs(x)), one(1), sum = one + e, rest = e - (sum - one), y = e / sum;
  return y - y * rest * (one - y);
}

template <class S>
Packet<S> sigmoid(Packet<S> x) {
  const Packet<S> y = smaller_sigmoid(x);
  return select(less(x, Packet<S>(0)), y, Packet<S>(1) - y);
}

// sigmoid(x) * sigmoid(-x)
template <class S>
Packet<S> sigmoid_slope(Packet<S> x) {
  const Packet<S> y = smaller_sigmoid(x);
  return y * (Packet<S>(1) - y);
}

// -x^2 * scale as the number nearest to it and the rest.
inline Exponential<float> minus_square(Packet<float> x, double scale) {
#if defined(__FMA__)
  const Packet<float> high = x * x, rest = fma(x, x, -high);
#else
  const Packet<float> mask = packet::pset1frombits<Packet<float>::Raw>(0xfffff000u);
  const Packet<float> half = packet::pand(x.raw, mask.raw), high = half * half, rest = (x - half) * (x + half);
#endif
  return Exponential<float>(high * Packet<float>(-scale), rest * Packet<float>(-scale));
}

// factor * P(Z <= -size), where Z is standard normal and 0 <= size <= 15: e^(-size^2 / 2) (1 - q) times a polynomial
// in q = (size - 5) / (size + 5). What q and the largest products round off is made up for; the logarithm of the
// last two falls by some 2.2 as q grows by 1.
inline Packet<float> times_tail(Packet<float> factor, Packet<float> size) {
  using P = Packet<float>;
  const P one(1), five(5), share = one / (size + five), near = (size - five) * share;
  const P off = share * fma(near, -size, fma(near + one, -five, size)), q = near + off, q_rest = off - (q - near);
  const P p = horner(q, {1.09390882e-5, 6.607486973e-5, -8.526515826e-5, -3.071442164e-4, 2.079227911e-3,
                         -6.910232541e-3, 1.650225092e-2, -3.135344644e-2, 4.953054637e-2, -6.653824723e-2,
                         7.691930511e-2});
  const P both = fma(-q, p, p), both_rest = fma(both * P(-2.2), q_rest, fma(-q, p, p - both)), product = factor * both;
  const P rest = fma(factor, both_rest, fma(factor, both, -product));
  return minus_square(size, 0.5).times(product, rest);
}

// P(Z <= x).
template <class S>
Packet<S> normal_cdf(Packet<S> x) {
  if constexpr (is_float<S>) {
    const Packet<S> tail = times_tail(Packet<S>(1), within(abs(x), 0, 15));
    return select(less(x, Packet<S>(0)), tail, Packet<S>(1) - tail);
  } else {
    return x.each([](S lane) { return normal_cdf(lane); });
  }
}

// x * P(Z <= x).
template <class S>
Packet<S> gelu(Packet<S> x) {
  if constexpr (is_float<S>) {
    const Packet<S> inside = within(x, -15, 15), tail = times_tail(inside, abs(inside));
    return select(less(x, Packet<S>(0)), tail, x - tail);
  } else {
    return x.each([](S lane) { return gelu(lane); });
  }
}

// e^(-scale * x^2) with all its digits; scale is 0.5 or 1.
template <class S>
Packet<S> bell(Packet<S> x, double scale) {
  if constexpr (is_float<S>) {
    const double far = 15 * std::sqrt(0.5 / scale);  // where it is 0, and the power still has an exponent
    return minus_square(within(x, -far, far), scale).value();
  } else {
    return x.each([=](S lane) { return bell(lane, scale); });
  }
}

template <class S> Packet<S> sin(Packet<S> x) {
  if constexpr (is_float<S>)
    return packet::psin(x.raw);
  else return x.each([](double lane) { return std::sin(lane); });
}
template <class S> Packet<S> cos(Packet<S> x) {
  if constexpr (is_float<S>)
    return packet::pcos(x.raw);
  else return x.each([](double lane) { return std::cos(lane); });
}
template <class S>
Packet<S> erf(Packet<S> x) {
  return x.each([](S lane) { return std::erf(lane); });
}

// A function of two, lane by lane.
template <class S, class Function>
Packet<S> each(Packet<S> x, Packet<S> y, Function function) {
  alignas(64) S a[Packet<S>::size], b[Packet<S>::size];
  x.store(a), y.store(b);
  for (int i = 0; i < Packet<S>::size; ++i) a[i] = function(a[i], b[i]);
  return Packet<S>::load(a);
}

template <class S> Packet<S> pow(Packet<S> x, Packet<S> y) {
  return each(x, y, [](S a, S b) { return std::pow(a, b); });
}
template <class S> Packet<S> floor_divide(Packet<S> x, Packet<S> y) {
  return each(x, y, [](S a, S b) { return floor_divide(a, b); });
}
template <class S> Packet<S> remainder(Packet<S> x, Packet<S> y) {
  return each(x, y, [](S a, S b) { return remainder(a, b); });
}

}  // namespace floe::math
