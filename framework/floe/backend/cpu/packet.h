// Packet: as many floats or doubles as one vector register holds, on Eigen's packet math, so that a pointwise formula
// written once for a type T runs on whole registers.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include <Eigen/Core>

#include <floe/backend/math.h>

namespace floe::cpu {

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
    if constexpr (std::is_same_v<S, float>) _mm512_stream_ps(to, raw);
    else _mm512_stream_pd(to, raw);
#elif defined(__AVX__)
    if constexpr (std::is_same_v<S, float>) _mm256_stream_ps(to, raw);
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
    if constexpr (std::is_same_v<S, float>) return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from);
    else return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << count) - 1), from);
#else
    alignas(64) S lanes[size] = {};
    for (int i = 0; i < count; ++i) lanes[i] = from[i];
    return load(lanes);
#endif
  }
  void store_part(S* to, int count) const {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<S, float>) _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), raw);
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
  friend Packet fma(Packet a, Packet b, Packet c) { return Eigen::internal::pmadd(a.raw, b.raw, c.raw); }  // a * b + c
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

using cpu::Packet;
namespace packet = Eigen::internal;

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
template <class S> Packet<S> floor(Packet<S> x) { return packet::pfloor(x.raw); }
template <class S> Packet<S> rint(Packet<S> x) { return packet::print(x.raw); }
template <class S> Packet<S> log(Packet<S> x) { return packet::plog(x.raw); }

// Eigen's square root is an approximation, and NaN at infinity.
template <class S>
Packet<S> sqrt(Packet<S> x) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<S, float>) return _mm512_sqrt_ps(x.raw);
  else return _mm512_sqrt_pd(x.raw);
#elif defined(__AVX__)
  if constexpr (std::is_same_v<S, float>) return _mm256_sqrt_ps(x.raw);
  else return _mm256_sqrt_pd(x.raw);
#else
  return x.each([](S lane) { return std::sqrt(lane); });
#endif
}

// y * 2^n for whole n, also where 2^n alone is beyond S.
template <class S>
Packet<S> scaled(Packet<S> y, Packet<S> n) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<S, float>) return _mm512_scalef_ps(y.raw, n.raw);
  else return _mm512_scalef_pd(y.raw, n.raw);
#else
  return packet::pldexp(y.raw, n.raw);
#endif
}

// For float, x = n log 2 + r and a polynomial in r, as in Cephes; infinity and 0 come from the scaling. Eigen's double
// stops short of both.
template <class S>
Packet<S> exp(Packet<S> x) {
  if constexpr (std::is_same_v<S, float>) {
    x = packet::pmax(packet::pmin(x.raw, Packet<S>(89).raw), Packet<S>(-104).raw);  // NaN stays
    Packet<S> n = rint(x * Packet<S>(1.44269504088896341));
    Packet<S> r = fma(n, Packet<S>(2.12194440e-4), fma(n, Packet<S>(-0.693359375), x));
    Packet<S> p = fma(Packet<S>(1.9875691500e-4), r, Packet<S>(1.3981999507e-3));
    p = fma(fma(p, r, Packet<S>(8.3334519073e-3)), r, Packet<S>(4.1665795894e-2));
    p = fma(fma(p, r, Packet<S>(1.6666665459e-1)), r, Packet<S>(5.0000001201e-1));
    return scaled(fma(p, r * r, r + Packet<S>(1)), n);
  } else {
    Packet<S> y = packet::pexp(x.raw);
    y = select(less(Packet<S>(709.782712893384), x), Packet<S>(std::numeric_limits<S>::infinity()), y);
    return select(less(x, Packet<S>(-708.3964185322641)), Packet<S>(0), y);
  }
}

// Kahan's corrections keep the digits that 1 + x and exp(x) - 1 lose.
template <class S>
Packet<S> log1p(Packet<S> x) {
  Packet<S> u = Packet<S>(1) + x, small = u - Packet<S>(1);
  Packet<S> exact = packet::pcmp_eq(small.raw, Packet<S>(0).raw);
  Packet<S> infinite = packet::pcmp_eq(u.raw, Packet<S>(std::numeric_limits<S>::infinity()).raw);
  Packet<S> y = log(u) * (x / select(exact, Packet<S>(1), small));
  return select(exact, x, select(infinite, u, y));
}

template <class S>
Packet<S> expm1(Packet<S> x) {
  return packet::generic_expm1(x.raw);
}

template <class S> Packet<S> tanh(Packet<S> x) {
  if constexpr (std::is_same_v<S, float>) return packet::ptanh(x.raw);
  else return x.each([](double lane) { return std::tanh(lane); });
}
template <class S> Packet<S> sin(Packet<S> x) {
  if constexpr (std::is_same_v<S, float>) return packet::psin(x.raw);
  else return x.each([](double lane) { return std::sin(lane); });
}
template <class S> Packet<S> cos(Packet<S> x) {
  if constexpr (std::is_same_v<S, float>) return packet::pcos(x.raw);
  else return x.each([](double lane) { return std::cos(lane); });
}
template <class S> Packet<S> erf(Packet<S> x) { return x.each([](S lane) { return std::erf(lane); }); }
template <class S> Packet<S> erfc(Packet<S> x) { return x.each([](S lane) { return std::erfc(lane); }); }

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
