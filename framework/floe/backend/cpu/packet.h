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

  // For the tail of an array: always packet math, so that an element's value never depends on its place.
  static Packet load_part(const S* from, int count) {
    alignas(64) S lanes[size] = {};
    for (int i = 0; i < count; ++i) lanes[i] = from[i];
    return load(lanes);
  }
  void store_part(S* to, int count) const {
    alignas(64) S lanes[size];
    store(lanes);
    for (int i = 0; i < count; ++i) to[i] = lanes[i];
  }

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

// Eigen's exp stops short of 0 and infinity, for float at 88.38 already: beyond 88 it takes x - 1.
template <class S>
Packet<S> exp(Packet<S> x) {
  const S top = std::is_same_v<S, float> ? S(88.72283) : S(709.782712893384);
  const S bottom = std::is_same_v<S, float> ? S(-87.33654) : S(-708.3964185322641);
  Packet<S> y;
  if constexpr (std::is_same_v<S, float>) {
    Packet<S> late = less(Packet<S>(88), x);
    y = packet::pexp((x - select(late, Packet<S>(1), Packet<S>(0))).raw);
    y = select(late, y * Packet<S>(2.718281828459045), y);
  } else {
    y = packet::pexp(x.raw);
  }
  y = select(less(Packet<S>(top), x), Packet<S>(std::numeric_limits<S>::infinity()), y);
  return select(less(x, Packet<S>(bottom)), Packet<S>(0), y);
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

template <class S>
Packet<S> pow(Packet<S> x, Packet<S> y) {
  alignas(64) S a[Packet<S>::size], b[Packet<S>::size];
  x.store(a), y.store(b);
  for (int i = 0; i < Packet<S>::size; ++i) a[i] = std::pow(a[i], b[i]);
  return Packet<S>::load(a);
}

}  // namespace floe::math
